// SPDX-License-Identifier: MIT
#include "engine/net/curl.h"

#include <dlfcn.h>

namespace kith::net {
namespace {

// The first name that is missing, or nullptr.
const char* find_all(void* library, CurlLibrary& to) {
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    if (!function && !missing) missing = name;
  };
  find(to.global_init, "curl_global_init");
  find(to.slist_append, "curl_slist_append");
  find(to.slist_free_all, "curl_slist_free_all");
  find(to.free, "curl_free");
  find(to.url, "curl_url");
  find(to.url_cleanup, "curl_url_cleanup");
  find(to.url_set, "curl_url_set");
  find(to.url_get, "curl_url_get");
  find(to.url_strerror, "curl_url_strerror");
  find(to.easy_init, "curl_easy_init");
  find(to.easy_cleanup, "curl_easy_cleanup");
  find(to.easy_setopt, "curl_easy_setopt");
  find(to.easy_getinfo, "curl_easy_getinfo");
  find(to.easy_strerror, "curl_easy_strerror");
  find(to.multi_init, "curl_multi_init");
  find(to.multi_cleanup, "curl_multi_cleanup");
  find(to.multi_setopt, "curl_multi_setopt");
  find(to.multi_add_handle, "curl_multi_add_handle");
  find(to.multi_remove_handle, "curl_multi_remove_handle");
  find(to.multi_socket_action, "curl_multi_socket_action");
  find(to.multi_info_read, "curl_multi_info_read");
  return missing;
}

Result<CurlLibrary> open_library() {
  void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return Error(KITH_ABSENT, std::string("HTTP needs libcurl, Debian's libcurl4: ") + dlerror());
  CurlLibrary made{};
  if (const char* missing = find_all(library, made))
    return Error(KITH_ABSENT, std::string("HTTP needs a newer libcurl: it has no ") + missing);
  if (made.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return Error(KITH_IO, "libcurl did not start");
  return made;
}

}  // namespace

Result<const CurlLibrary*> CurlLibrary::get() {
  static const Result<CurlLibrary> library = open_library();
  if (!library) return library.error();
  return &*library;
}

}  // namespace kith::net
