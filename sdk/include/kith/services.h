/* SPDX-License-Identifier: MIT */
/* services.h: the second half of kith.h, which includes it: the tables of functions that the
   engine, or another plugin, offers. The rules at the top of kith.h hold here too. The first
   argument of every function is `self` as kith_api.service gave it: the plugin's own kith_host for
   the engine's services. */
#ifndef KITH_SERVICES_H
#define KITH_SERVICES_H
#include <kith/kith.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KITH_LOOP "kith.loop/1"
typedef struct kith_loop {
  uint32_t size;
  uint64_t (*now_us)(kith_host*);  /* monotonic */
  uint64_t (*wall_us)(kith_host*); /* since 1970 */
  /* For choices; repeats by seed in the simulator. For keys: kith_crypto.entropy. */
  void (*random)(kith_host*, void*, size_t);
  kith_op* (*after)(kith_host*, uint64_t us, kith_done); /* spent once it has fired */
  int (*post)(kith_host*, kith_done);                    /* [any] */
  /* A registration of an fd (not owned; cancel it before the fd is closed). ready(r): the direction
     bits; fires once for each `arm`, a direction at a time or both. NULL in the simulator. */
  kith_op* (*watch)(kith_host*, int fd, kith_done ready);
  int (*arm)(kith_host*, kith_op* watch, unsigned rd_wr);
  /* work: [worker], pure. Cannot be cancelled: `arg` must live until done, which always fires; a
     stop waits for it. */
  int (*offload)(kith_host*, int64_t (*work)(void*), void* arg, kith_done done, int long_job);
} kith_loop;

#define KITH_LOG "kith.log/1"
enum { KITH_LOG_TRACE, KITH_LOG_DEBUG, KITH_LOG_INFO, KITH_LOG_WARN, KITH_LOG_ERROR };
typedef struct kith_log {
  uint32_t size;
  void (*write)(kith_host*, int level, kith_bytes line);
  int (*enabled)(kith_host*, int level);
} kith_log;

#define KITH_STREAMS "kith.streams/1"
typedef struct kith_streams {
  uint32_t size;
  /* each_stream: result = kith_pipe*, owned by who hears it. A taken protocol: KITH_REFUSED. */
  int (*handle)(kith_host*, const char* protocol, kith_done each_stream, kith_op**);
  /* Opens a stream to a connected peer and negotiates the first of `protocols` that it has, within
     ms. done: 0 and result = kith_pipe*. */
  kith_op* (*open)(kith_host*, kith_bytes peer, const char* const* protocols, size_t n, uint32_t ms,
                   kith_done done);
} kith_streams;

#define KITH_PEERS "kith.peers/1"
enum { KITH_CONNECT_KEEP = 1u /* redial until disconnect */ };
typedef struct kith_peers {
  uint32_t size;
  kith_bytes (*self)(kith_host*); /* this node's peer id; lives as long as the node */
  /* An unverified address, from discovery; bounded. peer may be empty where addr ends in /p2p. */
  int (*hint)(kith_host*, kith_bytes peer, kith_bytes addr);
  /* peer or addr may be empty, not both; by its hints where addr is. done: it is identified. */
  kith_op* (*connect)(kith_host*, kith_bytes peer, kith_bytes addr, unsigned flags, kith_done done);
  int (*disconnect)(kith_host*, kith_bytes peer);
  /* The identified and connected ones; fn != 0 ends it. */
  int (*each)(kith_host*, int (*fn)(void* ctx, const kith_peer*), void* ctx);
  int (*watch)(kith_host*, void (*fn)(void* ctx, int event, const kith_peer*), void* ctx,
               kith_op**);
  int (*score)(kith_host*, kith_bytes peer, double app_score);
} kith_peers;

#define KITH_GATE "kith.gate/1"
typedef struct kith_gate {
  uint32_t size;
  /* Asked once a peer is proven, before any protocol runs. 0 admits; anything else refuses. */
  int (*guard)(kith_host*, int (*fn)(void* ctx, const kith_peer*), void* ctx, kith_op**);
} kith_gate;

#define KITH_TOPICS "kith.topics/1"
typedef struct kith_topics {
  uint32_t size;
  /* Router to engine, n messages at once: validate/, then message/. v[i] = KITH_PASS (relay it),
     KITH_IGNORE, KITH_REJECT, or KITH_AGAIN: a verdict with that ticket follows. */
  void (*deliver)(kith_host*, const kith_message*, const uint64_t* ticket, int* v, size_t n);
  int (*join)(kith_host*, kith_bytes topic); /* counted; undone with the host */
  int (*leave)(kith_host*, kith_bytes topic);
  /* Takes the bytes as they are. Returns the number of peers; writes the id and its length. */
  int (*publish)(kith_host*, kith_bytes topic, kith_bytes data, uint8_t* id, size_t cap,
                 size_t* id_bytes);
} kith_topics;

#define KITH_CRYPTO "kith.crypto/1"
typedef struct kith_claim {
  kith_bytes from; /* peer id */
  kith_bytes key;  /* libp2p PublicKey protobuf, or empty where the id holds it */
  const char* domain;
  kith_bytes bytes; /* signed: domain || bytes */
  kith_bytes sig;
  kith_buf* hold; /* kept until done has fired; every view above lies in it */
} kith_claim;
typedef struct kith_crypto {
  uint32_t size;
  /* By this node's Ed25519 key, over domain || bytes. */
  int (*sign)(kith_host*, const char* domain, kith_bytes, uint8_t out[64]);
  /* done: result = const int8_t[n], 1 = the claim holds. One claim is verified inline, more as a
     batch by the worker. key must hash to from. */
  kith_op* (*verify)(kith_host*, const kith_claim*, size_t n, kith_done done);
  void (*entropy)(kith_host*, void*, size_t);
  /* This node's, as a libp2p PublicKey protobuf; lives as long as the node. */
  kith_bytes (*public_key)(kith_host*);
  void (*sha256)(kith_host*, kith_bytes, uint8_t out[32]);
} kith_crypto;

#define KITH_BUS "kith.bus/1"
enum { KITH_ON_OWN = 1u /* also what this host itself published */ };
enum { KITH_CALL_PART = 1, KITH_CALL_END = 0 };
typedef struct kith_bus {
  uint32_t size;
  int (*emit)(kith_host*, const kith_event*); /* the answer that ended the walk, or 0 */
  int (*on)(kith_host*, const char* pattern, int priority, unsigned flags,
            int (*fn)(void* ctx, const kith_event*), void* ctx, kith_op**);
  int (*command)(kith_host*, const kith_command*,
                 void (*fn)(void* ctx, kith_call*, kith_bytes args), void* ctx, kith_op**);
  /* each(r): KITH_CALL_PART any number of times with a body, then once KITH_CALL_END with a body,
     or r < 0 with a sentence as the body. `result` is a const kith_bytes*. Cancel tells the
     handler (`cancelled` below). */
  kith_op* (*call)(kith_host*, const char* name, kith_bytes args, kith_done each);
  int (*part)(kith_host*, kith_call*, kith_bytes); /* KITH_CLOSED when nobody listens any more */
  /* Exactly once, also after it was cancelled. err < 0: body is the sentence a person reads. */
  void (*end)(kith_host*, kith_call*, int err, kith_bytes body);
  /* told fires if the caller goes away before end. */
  void (*cancelled)(kith_host*, kith_call*, kith_done told);
} kith_bus;

/* Links below the caller's own: websocket over tcp, TLS over websocket. The address is any that a
   transport claims. */
#define KITH_LINKS "kith.links/1"
typedef struct kith_links {
  uint32_t size;
  /* done: result = kith_pipe* (a link), owned by who hears it. addr holds a literal IP or a name;
     a name is resolved here. At most 15 s. */
  kith_op* (*dial)(kith_host*, kith_bytes addr, kith_done done);
  /* each_link: result = kith_pipe*, once for each link that arrives while *listener lives (ended by
     kith_api.cancel). Writes the bound address and returns its length. */
  int (*listen)(kith_host*, kith_bytes addr, kith_done each_link, kith_op** listener,
                uint8_t* bound, size_t cap);
} kith_links;

/* Ledgers (engine/store/README.md). A ledger is named by text; `open` first. */
#define KITH_LEDGERS "kith.ledgers/1"
enum {
  KITH_ENTRY_FORK = 1u,     /* its feed forked at or before it */
  KITH_ENTRY_LATE = 2u,     /* it arrived after entries that the timeline puts behind it */
  KITH_ENTRY_EARLY = 4u,    /* its time is more than 60 s ahead of this node's clock */
  KITH_ENTRY_ODD = 8u,      /* it links to an entry that is not earlier */
  KITH_ENTRY_DROPPED = 16u, /* its body is not held here */
  KITH_ENTRY_VOID = 32u     /* it does not count: a revoke cut it off */
};
typedef struct kith_entry {
  uint32_t size, flags; /* KITH_ENTRY_... */
  kith_bytes id;        /* CID, binary */
  kith_bytes author;    /* peer id */
  kith_bytes feed;      /* CID of the feed's opening, binary */
  kith_bytes type;      /* 1 to 64 of [a-z0-9._/-] */
  kith_bytes body;
  uint64_t seq, time_us;   /* in its feed, from 1; since 1970, as its author says */
  uint64_t arrival;        /* in this node's order, from 1: the cursor of a read by arrival */
  const kith_bytes* links; /* CIDs, binary, of the entries that it links to */
  size_t n_links;
} kith_entry;
enum {
  KITH_READ_TIMELINE = 1u,
  KITH_READ_NEWEST = 2u /* the last `limit`, oldest of them first */
};
typedef struct kith_query {
  uint32_t size, flags; /* KITH_READ_...; neither: by arrival */
  uint64_t after;       /* by arrival: entries after it. Timeline: of this time_us and later */
  uint32_t limit;       /* 1 to 1,000; 0 = 1,000. A page also ends at 4 MiB of bodies */
  kith_bytes author;    /* peer id, or empty for all */
  kith_bytes type;      /* only such entries; empty for all */
  uint64_t before;      /* by arrival: entries before it. Timeline: earlier than it. 0: no bound */
} kith_query;
typedef struct kith_page {
  uint32_t size, more; /* 1: there is more after the last entry */
  const kith_entry* entries;
  size_t n;
  uint64_t next;   /* `after` of the next page; of the timeline it may be more than a time */
  uint64_t before; /* of the newest: `before` of the page before this one; 0: nothing is */
} kith_page;
typedef struct kith_ledgers {
  uint32_t size;
  /* Makes or opens the open ledger of that name (1 to 64 of [a-z0-9._-]), and syncs it with peers
     from now on. Entries that arrive are told as events "entry/NAME". */
  int (*open)(kith_host*, kith_bytes name);
  /* done: the entry is kept, as durably as the config asks; result = const kith_entry*. */
  kith_op* (*append)(kith_host*, kith_bytes name, kith_bytes type, kith_bytes body, kith_done done);
  /* done: r = number of entries, result = const kith_page*. */
  kith_op* (*read)(kith_host*, kith_bytes name, const kith_query*, kith_done done);
  /* Rebuilds and checks every chain, body and signature. each(r): KITH_CALL_PART with {entries, of}
     now and then; KITH_CALL_END with {ok, feeds, entries, problems: [text]}; DAG-CBOR. */
  kith_op* (*verify)(kith_host*, kith_bytes name, kith_done each);
  /* The entry of that CID (binary). done: r = 1, result = const kith_entry*; KITH_ABSENT: none that
     counts is held. */
  kith_op* (*find)(kith_host*, kith_bytes name, kith_bytes id, kith_done done);
} kith_ledgers;

/* Keys and values of one plugin or app, kept on disk. Keys 1 to 1,024 bytes, values up to 1 MiB,
   64 MiB in all. */
#define KITH_KV "kith.kv/1"
typedef struct kith_write {
  kith_bytes key, value;
  int erase; /* 1: value is not looked at */
} kith_write;
typedef struct kith_kv {
  uint32_t size;
  /* *value: one reference, the caller's. KITH_ABSENT. Sees what was committed, and what is being.
   */
  int (*get)(kith_host*, kith_bytes key, kith_buf** value);
  /* All or none. done: they are kept, as durably as the config asks. KITH_LIMIT: over the quota. */
  kith_op* (*commit)(kith_host*, const kith_write*, size_t n, kith_done done);
  /* In order of keys that begin with `prefix`, after `after`; fn != 0 ends it. At most 1,000 a
     call; returns their number. */
  int (*each)(kith_host*, kith_bytes prefix, kith_bytes after,
              int (*fn)(void* ctx, kith_bytes key, kith_bytes value), void* ctx);
} kith_kv;

/* Outbound HTTP/1.1 and 2 with TLS. Redirects are not followed. An address that is private,
   loopback or otherwise special is refused, before and after the name is resolved, unless the
   operator named it. */
#define KITH_HTTP "kith.http/1"
enum { KITH_HTTP_OPERATOR = 1u /* the operator's config holds this URL: its host may be any */ };
typedef struct kith_http_request {
  uint32_t size, flags;      /* KITH_HTTP_... */
  const char* method;        /* "GET" */
  kith_bytes url;            /* http:// or https:// */
  const kith_bytes* headers; /* "name: value" each */
  size_t n_headers;
  kith_bytes body;
  uint32_t ms;        /* in all; 0 = 30,000 */
  uint32_t reply_max; /* bytes of body; 0 = 1 MiB; more is KITH_LIMIT */
} kith_http_request;
typedef struct kith_http_reply {
  uint32_t size;
  int status;
  const kith_bytes* headers; /* "name: value" each, names in lower case */
  size_t n_headers;
  kith_bytes body;
} kith_http_reply;
typedef struct kith_http {
  uint32_t size;
  /* done: r = the status, result = const kith_http_reply*. Everything given is copied. */
  kith_op* (*request)(kith_host*, const kith_http_request*, kith_done done);
} kith_http;

/* From a runner, with the app's own kith_host: how an app fares after it was loaded. */
#define KITH_APPS "kith.apps/1"
enum { KITH_APP_RUNNING = 0, KITH_APP_SUSPENDED = 1, KITH_APP_FAILED = 2 };
typedef struct kith_apps {
  uint32_t size;
  void (*tell)(kith_host* app, int state, kith_bytes sentence);
} kith_apps;

/* Offered by the simulator: links inside one process. */
#define KITH_MEMORY "kith.memory/1"
typedef struct kith_memory {
  uint32_t size;
  kith_op* (*dial)(kith_host*, uint64_t port, kith_done done);
  int (*listen)(kith_host*, uint64_t port /* 0 = pick */, kith_done each_link, kith_op**,
                uint64_t* bound);
  /* Ends a dial (its done will not fire) or a listener of this service's: kith_api.cancel knows
     only the engine's. */
  void (*cancel)(kith_host*, kith_op*);
} kith_memory;

#ifdef __cplusplus
}
#endif
#endif
