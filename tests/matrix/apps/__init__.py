"""One application per framework, all with the routes that `matrix.checks` asks for."""
