//! The HTTP service: todos from the store, through the cache.
