/* SPDX-License-Identifier: MIT */
/* kith.h: the plugin ABI, in plain C. A plugin is a shared library that exports one constant,
   `kith_plugin_entry`. What a plugin *is* (its roles) and what is *offered* to it (services) are
   sized tables of functions found by a versioned name. Absent is NULL. `size` is sizeof the table;
   fields are only ever appended, so that a newer node runs an older plugin; a plugin that needs a
   newer table looks at `size` before it calls.

   Rules that hold for every function here unless its comment says otherwise:
   - Thread: the loop thread of the node. [any] may be called from any thread, [worker] runs beside
     the loop.
   - Return >= 0: ok, or a count. < 0: a kith_err.
   - No call calls back before it has returned.
   - A `done` fires exactly once, and never after cancel, drop or stop has returned. One named
     `each_...` or `wake` fires as its comment says. With r < 0 its `result` is NULL or a
     `const kith_bytes*`: a sentence for a person.
   - Borrowed bytes (kith_bytes in an argument, a result or a view) end with the call unless a
     longer life is named.
   - Peer ids are binary multihashes, addresses binary multiaddrs; durations say their unit. */
#ifndef KITH_H
#define KITH_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of everything in this file. The host refuses a plugin whose number differs, before it
   runs any of its code. Rationale: one number that a person can act on ("built for 2, this node
   speaks 1") beats a partial match. */
#define KITH_ABI 1u

enum kith_err {
  KITH_AGAIN = -1,   /* nothing now: `want` it */
  KITH_CLOSED = -2,  /* closed on this side, or the node is stopping */
  KITH_RESET = -3,   /* cut off by the other side */
  KITH_TIMEOUT = -4, /* a deadline passed */
  KITH_REFUSED = -5, /* the other side, or the gate, said no */
  KITH_LIMIT = -6,   /* a bound of this node's, or one of the other side's */
  KITH_BAD = -7,     /* malformed bytes or arguments */
  KITH_ABSENT = -8,  /* no such thing */
  KITH_IO = -9       /* the operating system failed; the log has errno */
};

typedef struct kith_bytes {
  const uint8_t* p;
  size_t n;
} kith_bytes;

/* An immutable buffer that several holders share. refs are not atomic: loop thread only. */
typedef struct kith_buf {
  kith_bytes b;
  uint32_t refs;
  void (*free)(struct kith_buf*);
} kith_buf;
static inline kith_buf* kith_buf_ref(kith_buf* b) {
  ++b->refs;
  return b;
}
static inline void kith_buf_unref(kith_buf* b) {
  if (b && --b->refs == 0) b->free(b);
}

typedef struct kith_done {
  void (*fn)(void* ctx, int64_t r, const void* result);
  void* ctx;
} kith_done;

/* One plugin's, or one app's, hold on the node: all that it hooks hangs here. */
typedef struct kith_host kith_host;
/* Something of the engine's under way, or a registration: kith_api.cancel ends it. */
typedef struct kith_op kith_op;
/* One call of a command, seen from its handler. */
typedef struct kith_call kith_call;

/* PIPES. A link is a pipe that a transport makes; a stream is a pipe that the engine makes.
   Readiness, not completion: nothing in flight means no buffer lifetimes and no cancellation
   protocol, and an idle pipe that holds no memory. */
enum { KITH_RD = 1u, KITH_WR = 2u };
enum { KITH_PIPE_DIALED = 1u, KITH_PIPE_LIMITED = 2u };

typedef struct kith_pipe_info {
  uint32_t size, flags;     /* KITH_PIPE_... */
  kith_bytes peer;          /* the proven peer; empty on a link */
  kith_bytes protocol;      /* of a stream, UTF-8; empty on a link */
  kith_bytes local, remote; /* addresses; empty where not known. Views live as long as the pipe */
} kith_pipe_info;

typedef struct kith_pipe {
  const struct kith_pipe_ops* ops;
} kith_pipe;

typedef struct kith_pipe_ops {
  uint32_t size;
  /* n > 0 bytes read; 0 = the other side's FIN; KITH_AGAIN; or why not. */
  int64_t (*read)(kith_pipe*, uint8_t* to, size_t cap);
  /* Streams; NULL on a link. n > 0: *view is all that is here, decrypted in place, valid until
     consume or until the waker returns, whichever is first. 0, KITH_AGAIN and errors as in read. */
  int64_t (*peek)(kith_pipe*, kith_bytes* view);
  /* Streams; NULL on a link. Frees the first n bytes of the view and returns window credit to the
     sender. */
  void (*consume)(kith_pipe*, size_t n);
  /* Bytes taken, possibly fewer than given: that is back-pressure. KITH_AGAIN when none. The caller
     keeps v. */
  int64_t (*write)(kith_pipe*, const kith_bytes* v, size_t nv);
  /* Streams; NULL on a link. Takes a reference: all of it or KITH_AGAIN. Fan-out without copies. */
  int64_t (*send)(kith_pipe*, kith_buf*);
  /* Arms one wake for each direction named; each direction has one slot, and arming replaces what
     stood there. wake(r): the direction bits that are ready (then the call will not say AGAIN:
     data, FIN and errors all count as ready), or KITH_TIMEOUT. fn NULL disarms the named directions
     at once. */
  void (*want)(kith_pipe*, unsigned rd_wr, kith_done wake);
  /* From now, as in Go's SetDeadline: when it passes, an armed wake gets KITH_TIMEOUT, and calls in
     that direction return KITH_TIMEOUT until it is set anew. 0 = none. */
  void (*deadline)(kith_pipe*, unsigned rd_wr, uint32_t ms);
  /* FIN after what was taken. Reading goes on. */
  int (*shut)(kith_pipe*);
  /* The holder's last call, needed even after the other side is gone. err 0: what was taken still
     leaves, then FIN; err < 0: cut off at once (RST on a stream). The pipe is not the holder's any
     more. */
  void (*drop)(kith_pipe*, int err);
  int (*info)(kith_pipe*, kith_pipe_info*);
} kith_pipe_ops;

/* MESSAGES AND EVENTS. */
typedef struct kith_message {
  uint32_t size;
  kith_bytes topic, id, data;
  kith_bytes from;      /* the proven author; empty where the router proves none */
  kith_bytes via;       /* the peer that handed it over; this node for its own */
  uint64_t seqno;       /* 0 = none */
  uint64_t received_us; /* wall clock, since 1970 */
  kith_buf* hold;       /* not NULL: ref it to keep every view above */
} kith_message;

typedef struct kith_event {
  uint32_t size;
  kith_bytes name; /* "message/chat/lobby", "peer/connected" */
  kith_bytes body; /* DAG-CBOR; empty on message/ and validate/ events, which carry `message` */
  const kith_message* message;
} kith_event;

/* A handler's answer: 0 = none, pass on. > 0 ends the walk; on validate/ IGNORE or REJECT. */
enum { KITH_PASS = 0, KITH_HANDLED = 1, KITH_IGNORE = 1, KITH_REJECT = 2 };

/* OPTIONS, ARGUMENTS, COMMANDS. Types: "string" "int" "number" "bool" "duration" (text such as
   "30s") "size" (text such as "64MiB") "strings" (a list) "bytes" "any". */
typedef struct kith_option {
  const char *name, *type;
  const char* value; /* the default, as TOML text */
  const char* help;  /* one sentence */
} kith_option;

enum {
  KITH_ARG_REQUIRED = 1u,
  KITH_ARG_OPTION = 2u, /* only as --name */
  KITH_ARG_REST = 4u    /* all remaining words */
};
typedef struct kith_arg {
  const char *name, *type;
  uint32_t flags;
  const char* value; /* the default, as JSON text, or NULL */
  const char* help;
} kith_arg;

enum { KITH_COMMAND_READ = 1u, KITH_COMMAND_ADMIN = 2u, KITH_COMMAND_STREAM = 4u };
typedef struct kith_command {
  uint32_t size, flags;
  const char* name; /* CLI words joined by dots; of an app: prefixed with its name by the engine */
  const char *summary, *result;
  const kith_arg* args;
  size_t n_args;
} kith_command;

/* ROLES: what a plugin is. The first argument `me` is what kith_plugin.start gave. A plugin that
   only starts, stops and uses services is an app; it needs no table. */
#define KITH_TRANSPORT "kith.transport/1"
typedef struct kith_transport {
  uint32_t size;
  /* The protocol names of an address after its host part, joined: "/tcp", "/tcp/ws", "/memory".
     Exactly this suffix is claimed; of two owners of one suffix the second is refused. */
  const char* suffix;
  /* done: r = 0 and result = kith_pipe* (a link). dns_name: what the host part was before it was
     resolved, or empty. */
  kith_op* (*dial)(void* me, kith_bytes addr, kith_bytes dns_name, kith_done done);
  /* each_link: result = kith_pipe*, once for each link that arrives until cancel(*listener). Writes
     the bound address (the port picked) to `bound` and returns its length. */
  int (*listen)(void* me, kith_bytes addr, kith_done each_link, kith_op** listener, uint8_t* bound,
                size_t cap);
  /* Ends a dial (its done will not fire) or a listener of this transport's. */
  void (*cancel)(void* me, kith_op*);
} kith_transport;

enum {
  KITH_PEER_GONE = 0,
  KITH_PEER_IDENTIFIED = 1,
  KITH_PEER_UPDATED = 2 /* its protocols changed */
};
typedef struct kith_peer {
  uint32_t size, flags; /* KITH_PIPE_... of its best connection */
  kith_bytes id;
  kith_bytes addr;             /* the remote address of its best connection */
  kith_bytes agent;            /* as it said, escaped by nobody */
  kith_bytes record;           /* its signed peer record (RFC 0002 envelope), verified; or empty */
  const kith_bytes* protocols; /* as it said in identify */
  size_t n_protocols;
  double app_score; /* set by apps through kith_peers.score */
} kith_peer;

#define KITH_ROUTER "kith.router/1"
typedef struct kith_router {
  uint32_t size;
  int (*join)(void* me, kith_bytes topic);
  int (*leave)(void* me, kith_bytes topic);
  /* Sends to the peers that want it. Fills *made (id, from, seqno, topic, data, hold) for the walk
     at home; its views live until the end of the turn. Returns the number of peers it went to. */
  int (*publish)(void* me, kith_bytes topic, kith_buf* data, kith_message* made);
  /* The late answer to a message for which deliver said AGAIN. */
  void (*verdict)(void* me, uint64_t ticket, int v);
  void (*peer)(void* me, int event, const kith_peer*);
  /* Peers known to be subscribed, and of these how many are in the mesh. */
  int (*topic_peers)(void* me, kith_bytes topic, uint32_t* subscribed, uint32_t* mesh);
  /* 1 when the peer's subscriptions have arrived (or it speaks no protocol of this router's). */
  int (*settled)(void* me, kith_bytes peer);
} kith_router;

/* A discovery mode hands hints to kith_peers.hint when it likes. */
#define KITH_DISCOVERY "kith.discovery/1"
typedef struct kith_discovery {
  uint32_t size;
  /* What this node may be reached at, on each change. */
  void (*addresses)(void* me, const kith_bytes* addrs, size_t n);
} kith_discovery;

#define KITH_RUNNER "kith.runner/1"
typedef struct kith_app_spec {
  uint32_t size;
  kith_bytes name, file; /* file: a path */
  kith_bytes config;     /* DAG-CBOR map */
} kith_app_spec;
typedef struct kith_runner {
  uint32_t size;
  const char* extension; /* ".lua" */
  /* Reads the file and runs it with `app` as its hold on the node. *loaded is set before it
     returns. done: 0, or an error with a sentence (file:line). */
  int (*load)(void* me, kith_host* app, const kith_app_spec*, kith_done done, void** loaded);
  /* After this returns nothing of the app runs; the engine then undoes all that `app` hooked. */
  void (*unload)(void* me, void* loaded);
} kith_runner;

/* SERVICES: what the engine, or another plugin, offers. */
#include <kith/services.h>

/* THE ENTRY. */
typedef struct kith_api {
  uint32_t abi, size;
  /* NULL: not offered here. *self is the first argument of every function of the table. */
  const void* (*service)(kith_host*, const char* id, void** self);
  /* Offers a table under a versioned name to plugins that start later and need it. */
  int (*offer)(kith_host*, const char* id, const void* ops, void* self);
  /* Its done will not fire. NULL, spent and ended ones are fine: a kith_op is a number, never a
     pointer to follow. */
  void (*cancel)(kith_host*, kith_op*);
  /* What a person should read when start or configure returns < 0. */
  void (*fail)(kith_host*, kith_bytes sentence);
  /* Why the newest call of this host's was refused: a sentence, or empty; until the next call. */
  kith_bytes (*why)(kith_host*);
} kith_api;

typedef struct kith_plugin {
  uint32_t abi; /* KITH_ABI, and first, so that a host can refuse before it reads on */
  uint32_t size;
  const char *name, *version, *summary;
  const kith_option* options; /* ends with name NULL; NULL = none */
  const char* needs;          /* services of other plugins, space-separated; NULL = none */
  const char* offers;         /* likewise */
  int (*start)(const kith_api*, kith_host*, void** me);
  /* options: DAG-CBOR map, every declared option present; durations are seconds as a float, sizes
     bytes as an integer. commit 0: judge only; 1: act on it. May be NULL. */
  int (*configure)(void* me, kith_bytes options, int commit);
  void (*stop)(void* me); /* frees me; after it returns nothing of the plugin runs */
  const void* (*role)(void* me, const char* id); /* may be NULL */
} kith_plugin;

#if defined(__GNUC__)
#define KITH_EXPORT __attribute__((visibility("default")))
#else
#define KITH_EXPORT
#endif
/* extern KITH_EXPORT const kith_plugin kith_plugin_entry; */

#ifdef __cplusplus
}
#endif
#endif
