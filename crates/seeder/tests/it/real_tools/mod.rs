//! Everything that needs the real mongodump, mongorestore, mongoimport or mongoexport. `make test` says so loudly, with a
//! count, where these cannot be had.

mod archives;
mod dumps;
mod exports;
mod json;
mod json_cases;
