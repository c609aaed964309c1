//go:build tools

// Package tools names the programs that scripts/install-mongo-tools builds, so that their checksums are pinned.
package tools

import (
	_ "github.com/mongodb/mongo-tools/mongodump/main"
	_ "github.com/mongodb/mongo-tools/mongoimport/main"
	_ "github.com/mongodb/mongo-tools/mongorestore/main"
	_ "github.com/mongodb/mongo-tools/mongoexport/main"
)
