/* SPDX-License-Identifier: MIT */
/* counter: an app in plain C, on nothing but kith.h. Counts the messages of a topic and publishes
 * the count as text. */
#include <kith/kith.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct counter {
  kith_host* host;
  const kith_topics* topics;
  unsigned long seen;
} counter;

static int on_message(void* me, const kith_event* event) {
  counter* self = me;
  char text[32];
  uint8_t id[128];
  size_t id_bytes = 0;
  const kith_bytes topic = {(const uint8_t*)"counter/total", 13};
  kith_bytes data;
  if (!event->message) return KITH_PASS;
  data.n = (size_t)snprintf(text, sizeof text, "%lu", ++self->seen);
  data.p = (const uint8_t*)text;
  self->topics->publish(self->host, topic, data, id, sizeof id, &id_bytes);
  return KITH_PASS;
}

static int start(const kith_api* api, kith_host* host, void** me) {
  void* self_of = NULL;
  const kith_bus* bus = api->service(host, KITH_BUS, &self_of);
  counter* self = calloc(1, sizeof *self);
  kith_op* registration = NULL; /* undone by the engine when this plugin stops */
  if (!self) return KITH_LIMIT;
  self->host = host;
  self->topics = api->service(host, KITH_TOPICS, &self_of);
  *me = self;
  return bus->on(host, "message/counter/in", 0, 0, on_message, self, &registration);
}

static void stop(void* me) { free(me); }

extern KITH_EXPORT const kith_plugin kith_plugin_entry;
const kith_plugin kith_plugin_entry = {KITH_ABI,
                                       sizeof(kith_plugin),
                                       "counter",
                                       "0.1.0",
                                       "Counts messages (an example in C).",
                                       NULL,
                                       NULL,
                                       NULL,
                                       start,
                                       NULL,
                                       stop,
                                       NULL};
