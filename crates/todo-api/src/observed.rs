//! What is to be seen of the todos besides themselves: what the cache holds of one, what happened to it as a whole, what its processes
//! say, connections.

use cache_aside::events::Event;
use cache_aside::inspect::Inspection;
use cache_aside::peers::PeerTexts;
use todo_model::TodoId;

use crate::todos::Todos;

impl Todos {
    /// What the cache holds of an id, and who is at work on it; `None` if it does not answer.
    pub async fn inspect(&self, id: &TodoId) -> Option<Inspection> {
        self.engine.inspect(id.as_str()).await
    }

    /// Removes what the cache holds of an id; `false` if it did not take it.
    pub async fn invalidate(&self, id: &TodoId) -> bool {
        self.engine.invalidate(id.as_str()).await
    }

    /// The last things that happened to the whole cache, the oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.engine.events()
    }

    /// Tells the processes that share the cache a text; `false` if it did not take it, or is not shared.
    pub async fn tell_peers(&self, text: &str) -> bool {
        self.engine.tell_peers(text).await
    }

    /// What processes that share the cache tell from now on; `None` if it is not shared.
    pub fn peer_texts(&self) -> Option<PeerTexts> {
        self.engine.peer_texts()
    }

    /// Connections to the store that are open; `None` where there are none by nature.
    pub fn store_connections(&self) -> Option<u64> {
        self.engine.source().store().connections()
    }
}
