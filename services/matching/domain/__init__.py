"""Pure decisions of matching: who may see whom, who does so best, and how a case stands afterwards."""
