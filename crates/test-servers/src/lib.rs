//! Starts the real Redis and MongoDB that tests run against, each on a free port with a folder of its own.
//!
//! - `process`: one server process, which dies with the test process however that ends.
//! - `find`: where the programs are. `redis`, `mongo`: the two servers. `names`: what is unique.

mod find;
mod mongo;
mod names;
mod process;
mod redis;

pub use find::mongo_tool;
pub use mongo::{MongoServer, shared_mongo};
pub use names::{free_port, fresh_name};
pub use redis::{RedisServer, shared_redis};
