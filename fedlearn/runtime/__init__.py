"""How an enterprise and its hubs talk while they learn together: ports, a memory channel, and the mailbox with Syft."""
