"""What several test modules share: the request cases and the doors that they are driven through."""
