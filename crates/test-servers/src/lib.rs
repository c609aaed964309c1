//! Starts the real Redis and MongoDB that tests run against.
