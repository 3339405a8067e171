"""matching: finds for every case the therapists who fit, several cases at a time, and says why."""
