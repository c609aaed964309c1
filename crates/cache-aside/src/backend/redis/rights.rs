//! What the Redis user has to be allowed (Redis manual, "ACL"), tried out with the real user: each command that is used, on a
//! key and on the channels of the prefix.

use std::sync::Arc;

use deadpool_redis::redis::{Cmd, Pipeline, RedisError, Value, cmd};

use super::RedisCache;
use crate::error::CacheError;

/// Something that the user is not allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissingRight {
    /// The command, keys or channels.
    pub(crate) what: String,
    /// The ACL rule that allows it; none helps where the server does not have the command.
    pub(crate) rule: Option<String>,
}

/// Whether the server does not have the command: managed ones disable or rename some (Redis manual, `rename-command`).
pub(super) fn is_unknown_command(error: &RedisError) -> bool {
    error.code() == Some("ERR") && error.detail().is_some_and(|said| said.starts_with("unknown command"))
}

impl RedisCache {
    /// Everything that is used and not allowed.
    pub(crate) async fn missing_rights(&self) -> Result<Vec<MissingRight>, CacheError> {
        let commands = self.every_command();
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for (_, command) in &commands {
            pipeline.add_command(command.clone());
        }
        let answers = self.answers(&pipeline, commands.len()).await?;
        let mut missing = Vec::new();
        for ((name, _), answer) in commands.iter().zip(answers) {
            if let Err(error) = answer.extract_error() {
                self.note(&mut missing, name, &error);
            }
        }
        self.try_to_subscribe(&mut missing).await?;
        Ok(missing)
    }

    /// On a connection of its own: without some of the rights no other one can be made.
    async fn answers(&self, pipeline: &Pipeline, count: usize) -> Result<Vec<Value>, CacheError> {
        let connected = self.shared.endpoint.connect(self.shared.options.connect_timeout).await;
        let (mut connection, _) = connected.map_err(CacheError::Connect)?;
        let answers = connection.send_packed_commands(pipeline, 0, count).await;
        answers.map_err(|error| CacheError::Redis(Arc::new(error)))
    }

    async fn try_to_subscribe(&self, missing: &mut Vec<MissingRight>) -> Result<(), CacheError> {
        let patience = self.shared.options.connect_timeout;
        let mut connection = self.shared.endpoint.subscribe().await.map_err(CacheError::Connect)?;
        let channels = [self.shared.keys.control(), self.shared.keys.channel()];
        match tokio::time::timeout(patience, connection.subscribe(&channels)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if error.code() == Some("NOPERM") || is_unknown_command(&error) => {
                self.note(missing, "SUBSCRIBE", &error);
                Ok(())
            }
            Ok(Err(error)) => Err(CacheError::Redis(Arc::new(error))),
            Err(_) => Err(CacheError::Timeout(patience)),
        }
    }

    fn note(&self, missing: &mut Vec<MissingRight>, command: &str, error: &RedisError) {
        let (said, prefix) = (error.detail().unwrap_or_default(), self.shared.keys.prefix());
        let right = if is_unknown_command(error) {
            MissingRight { what: format!("the command {command}"), rule: None }
        } else if error.code() != Some("NOPERM") {
            return;
        } else if said.contains("channel") {
            MissingRight { what: format!("channels {prefix}:*"), rule: Some(format!("&{prefix}:*")) }
        } else if said.contains(" key") {
            MissingRight { what: format!("keys {prefix}:*"), rule: Some(format!("~{prefix}:*")) }
        } else {
            let rule = Some(format!("+{}", command.to_lowercase()));
            MissingRight { what: format!("the command {command}"), rule }
        };
        if !missing.contains(&right) {
            missing.push(right);
        }
    }

    /// Every command that is used, as it does no harm.
    fn every_command(&self) -> Vec<(&'static str, Cmd)> {
        let keys = &self.shared.keys;
        let (key, renamed) = (keys.probe(), keys.probe().to_owned() + "ed");
        let command = |words: &[&str]| {
            let mut command = cmd(words[0]);
            command.arg(&words[1..]);
            command
        };
        let mut commands = [
            ("GET", &["GET", key][..]),
            ("SET", &["SET", key, "0", "PX", "1000"]),
            ("GETRANGE", &["GETRANGE", key, "0", "0"]),
            ("SETRANGE", &["SETRANGE", key, "0", "0"]),
            ("EXISTS", &["EXISTS", key]),
            ("TIME", &["TIME"]),
            ("RENAME", &["RENAME", key, &renamed]),
            ("UNLINK", &["UNLINK", &renamed]),
            ("DEL", &["DEL", key]),
            ("MGET", &["MGET", key]),
            ("SCAN", &["SCAN", "0", "COUNT", "1"]),
            ("EVAL", &["EVAL", "return 1", "0"]),
            ("EVALSHA", &["EVALSHA", "0000000000000000000000000000000000000000", "0"]),
            ("INFO", &["INFO", "server"]),
            ("TIME", &["TIME"]),
            // No announcement that anybody would take for one.
            ("PUBLISH", &["PUBLISH", keys.control(), ""]),
            ("PUBLISH", &["PUBLISH", keys.channel(), ""]),
        ]
        .map(|(name, words)| (name, command(words)))
        .to_vec();
        if self.shared.endpoint.sentinels().is_some() {
            commands.push(("ROLE", command(&["ROLE"])));
        }
        if self.shared.is_part {
            commands.extend([
                ("CLUSTER|SLOTS", command(&["CLUSTER", "SLOTS"])),
                ("CLUSTER|MYID", command(&["CLUSTER", "MYID"])),
                ("CLUSTER|INFO", command(&["CLUSTER", "INFO"])),
                ("ASKING", command(&["ASKING"])),
            ]);
        }
        commands
    }

    /// Whether Redis takes writes, tried with one that does no harm. One without slots has none to refuse.
    pub(super) async fn try_to_write(&self) -> Result<(), CacheError> {
        let Some(key) = self.shared.incarnation.probe() else { return Ok(()) };
        let mut set = cmd("SET");
        set.arg(key).arg("0").arg("PX").arg(1_000);
        self.attempt(async |mut connection| connection.send_packed_command(&set).await).await.map(drop)
    }
}
