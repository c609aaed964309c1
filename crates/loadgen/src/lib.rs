//! Fires requests for random todos and reports latency, errors and hit ratio.
