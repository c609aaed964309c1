//! Fuzz targets over everything that reads bytes from outside.

pub mod targets;
