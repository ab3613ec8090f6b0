// SPDX-License-Identifier: MIT
// CurlLibrary: the functions of libcurl that are used, looked up at the first request. Linked, it
// and the thirty libraries behind it would cost every idle node 4 MB and every verb of the program
// 2 ms. Never unloaded.
#pragma once
#include <curl/curl.h>
#include <kith/result.h>

namespace kith::net {

struct CurlLibrary {
  decltype(&curl_global_init) global_init;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_free) free;
  decltype(&curl_url) url;
  decltype(&curl_url_cleanup) url_cleanup;
  decltype(&curl_url_set) url_set;
  decltype(&curl_url_get) url_get;
  decltype(&curl_url_strerror) url_strerror;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_multi_init) multi_init;
  decltype(&curl_multi_cleanup) multi_cleanup;
  decltype(&curl_multi_setopt) multi_setopt;
  decltype(&curl_multi_add_handle) multi_add_handle;
  decltype(&curl_multi_remove_handle) multi_remove_handle;
  decltype(&curl_multi_socket_action) multi_socket_action;
  decltype(&curl_multi_info_read) multi_info_read;

  // The process's one. KITH_ABSENT, with what to install, where there is none.
  static Result<const CurlLibrary*> get();
};

}  // namespace kith::net
