-- What the cache needs of PostgreSQL (14 or later): a version for every write, and a table of what changed. Both come from
-- triggers, so that writers who know of neither - psql, a script, another service - are versioned and told of like all others.

CREATE TABLE todos (
  id          text PRIMARY KEY,
  name        text NOT NULL,
  description text,
  version     bigint NOT NULL DEFAULT 0
);

-- One for all ids, and never reset: the version of an id rises over a delete and a new create, too. Not `CACHE 2` or more:
-- sessions would hand out numbers from stocks of their own, the older ones later. Logical replication does not bring sequences
-- along: whoever moves by it sets this one above max(version) first.
CREATE SEQUENCE todo_version;

-- What happened, until every follower has passed it.
CREATE TABLE todo_changes (
  -- Who wrote it. A sequence could not tell which rows are new: a lower number may be committed after a higher one.
  txid    xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- Orders the changes of one id: it is drawn when its row, or the place of it, is locked. Between ids it orders nothing.
  number  bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  -- NULL: any of them.
  id      text,
  -- NULL: it is gone.
  version bigint
);
CREATE INDEX todo_changes_by_txid ON todo_changes (txid);

-- Who follows the changes, and how far each is.
CREATE TABLE todo_followers (
  name     text PRIMARY KEY,
  -- Every transaction that this snapshot sees has been dealt with.
  place    pg_snapshot NOT NULL,
  -- In which database: see todo_history().
  history  text NOT NULL,
  -- Whether what was cached before the first place has been given up.
  settled  boolean NOT NULL,
  saved_at timestamptz NOT NULL DEFAULT now()
);

-- Another one after a restore or a failover: transaction numbers say nothing then, and sequences may have gone back.
CREATE FUNCTION todo_history() RETURNS text LANGUAGE sql AS $$
  SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM pg_control_system()
$$;

-- An update or a delete holds the lock of its row when its version is drawn; an insert has no row yet. So it locks the id
-- instead (one of 256 locks: a load of a million rows must not need a million), and the row, if there is one: otherwise it
-- could draw 10, be overtaken by an update to 11 and a delete, and bring the id back at 10.
-- (Exact at READ COMMITTED, which is the default.)
CREATE FUNCTION stamp_todo() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.id <> OLD.id THEN
    PERFORM pg_advisory_xact_lock('todos'::regclass::oid::int, hashtext(NEW.id) & 255);
    PERFORM FROM todos WHERE id = NEW.id FOR UPDATE;
  END IF;
  NEW.version := nextval('todo_version');
  RETURN NEW;
END $$;

CREATE FUNCTION note_todo() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO todo_changes DEFAULT VALUES;
  END IF;
  IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
    INSERT INTO todo_changes (id) VALUES (OLD.id);
  END IF;
  IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' THEN
    INSERT INTO todo_changes (id, version) VALUES (NEW.id, NEW.version);
  END IF;
  -- Wakes the follower at once. Commits that notify wait for each other: at thousands of commits a second leave this line
  -- out, and changes are noticed at the follower's next look.
  NOTIFY todo_changes;
  RETURN NULL;
END $$;

CREATE TRIGGER stamp_todo BEFORE INSERT OR UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION stamp_todo();
CREATE TRIGGER note_todo AFTER INSERT OR UPDATE OR DELETE ON todos FOR EACH ROW EXECUTE FUNCTION note_todo();
CREATE TRIGGER note_truncate AFTER TRUNCATE ON todos FOR EACH STATEMENT EXECUTE FUNCTION note_todo();
-- Also for rows that logical replication brings.
ALTER TABLE todos ENABLE ALWAYS TRIGGER stamp_todo;
ALTER TABLE todos ENABLE ALWAYS TRIGGER note_todo;
ALTER TABLE todos ENABLE ALWAYS TRIGGER note_truncate;
