"""The matrix: every framework on every server, over real sockets."""
