//! Starts the real Redis, MongoDB and PostgreSQL that tests run against, each on a free port with a folder of its own.
//!
//! - `certificates`: a private certificate authority for servers and clients with TLS.
//! - `process`: one server process, which dies with the test process however that ends.
//! - `find`: where the programs are. `redis`, `mongo`, `postgres`: the servers. `redis_cluster`: several Redis servers that are
//!   one; `resp` speaks their protocol. `mongo_set`: three MongoDB
//!   servers that are one. `sentinels`: a Redis, its replica, and sentinels. `names`: what is unique.
//! - `proxy`: what a network does to a connection.
//! - `wait`: until a condition holds. `pace`: how late a busy machine may be.

mod certificates;
mod find;
mod mongo;
mod mongo_set;
mod names;
mod pace;
mod postgres;
mod process;
mod proxy;
mod redis;
mod redis_cluster;
mod resp;
mod sentinels;
mod version_one;
mod wait;

pub use certificates::{Certificates, ClientCertificate, Flaw};
pub use find::{missing, missing_postgres, mongo_tool};
pub use mongo::{MongoServer, shared_mongo};
pub use mongo_set::MongoSet;
pub use names::{free_port, fresh_name};
pub use pace::lateness;
pub use postgres::{PostgresServer, shared_postgres};
pub use process::Process;
pub use proxy::{Hole, Proxy, Traffic};
pub use redis::{RedisServer, shared_redis};
pub use redis_cluster::RedisCluster;
pub use resp::Reply;
pub use sentinels::{SentinelSet, SentinelSetup};
pub use wait::until;
