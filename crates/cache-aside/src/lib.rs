//! Cache-aside with versions and leases, over Redis or in process.
