// SPDX-License-Identifier: MIT
#include "engine/net/http_guard.h"

#include <gtest/gtest.h>

namespace kith::net {
namespace {

const CurlLibrary& curl() { return *CurlLibrary::get().value(); }
HttpUrl url_of(std::string_view text) { return HttpUrl::from_text(curl(), text).value(); }

TEST(HttpGuard, PublicAddressesAreAnybodys) {
  for (const char* ip : {"1.1.1.1",
                         "8.8.8.8",
                         "9.255.255.255",
                         "11.0.0.0",
                         "100.63.255.255",
                         "100.128.0.0",
                         "126.255.255.255",
                         "128.0.0.0",
                         "172.15.255.255",
                         "172.32.0.0",
                         "192.0.1.0",
                         "192.0.3.0",
                         "192.167.255.255",
                         "192.169.0.0",
                         "198.17.255.255",
                         "198.20.0.0",
                         "223.255.255.255",
                         "2606:4700::1111",
                         "2a00:1450::1",
                         "2001:4860::8888",
                         "2003::1",
                         "::ffff:8.8.8.8",
                         "64:ff9b::8.8.8.8",
                         "2002:0808:0808::1",
                         "2001:0:808:808:0:0:f7f7:f7f7"}) {
    EXPECT_EQ(special_ip(ip), nullptr) << ip << " is " << special_ip(ip);
  }
}

TEST(HttpGuard, SpecialAddressesAreNot) {
  for (const char* ip :
       {"0.0.0.0",         "0.1.2.3",        "10.0.0.1",        "10.255.255.255",  "100.64.0.1",
        "100.127.255.255", "127.0.0.1",      "127.255.255.254", "169.254.169.254", "172.16.0.1",
        "172.31.255.255",  "192.0.0.1",      "192.0.2.1",       "192.88.99.1",     "192.168.0.1",
        "198.18.0.1",      "198.19.255.255", "198.51.100.1",    "203.0.113.1",     "224.0.0.1",
        "239.255.255.255", "240.0.0.1",      "255.255.255.255"}) {
    EXPECT_FALSE(is_public_ip(ip)) << ip;
    EXPECT_FALSE(is_public_ip("::ffff:" + std::string(ip))) << ip;
    EXPECT_FALSE(is_public_ip("64:ff9b::" + std::string(ip))) << ip;
  }
  for (const char* ip : {"::",
                         "::1",
                         "::127.0.0.1",
                         "64:ff9b:1::808:808",
                         "100::1",
                         "2001:1::1",
                         "2001:2::1",
                         "2001:20::1",
                         "2001:db8::1",
                         "3fff::1",
                         "4000::1",
                         "5f00::1",
                         "fc00::1",
                         "fdff::1",
                         "fe80::1",
                         "fec0::1",
                         "ff02::1",
                         "2002:7f00:1::1",
                         "2002:0a00:0001::",
                         "2001:0:808:808:0:0:80ff:fffe",
                         "2001:0:7f00:1:0:0:f7f7:f7f7"}) {
    EXPECT_FALSE(is_public_ip(ip)) << ip;
  }
  for (const char* none : {"", "localhost", "127.1", "1.2.3.4 ", "fe80::1%eth0", "[::1]"})
    EXPECT_FALSE(is_public_ip(none)) << none;
}

TEST(HttpGuard, TheOperatorsOriginIsExactlyThat) {
  HttpRequest request;
  request.allowed = {"http://127.0.0.1:8080", "https://NAS.local", "not a url"};
  for (const char* good : {"http://127.0.0.1:8080/x?y", "http://127.1:8080/",
                           "https://nas.local:443/a", "https://nas.local"})
    EXPECT_TRUE(is_named(request, curl(), url_of(good))) << good;
  for (const char* other : {"http://127.0.0.1/", "https://127.0.0.1:8080/", "http://nas.local/",
                            "http://127.0.0.2:8080/", "https://nas.local.evil.example/",
                            "http://127.0.0.1:80800@8.8.8.8/"})
    EXPECT_FALSE(is_named(request, curl(), url_of(other))) << other;
  request.allowed.clear();
  EXPECT_FALSE(is_named(request, curl(), url_of("http://127.0.0.1:8080/")));
  request.by_operator = true;
  EXPECT_TRUE(is_named(request, curl(), url_of("http://127.0.0.1:8080/")));
}

TEST(HttpGuard, OnlyPublicAddressesOfANameAreDialed) {
  const HttpRequest request;
  const HttpUrl url = url_of("http://name.example/");
  const auto mixed = approve(request, url, false, {"10.0.0.1", "8.8.8.8", "::1"});
  EXPECT_EQ(mixed.value(), std::vector<std::string>{"8.8.8.8"});
  EXPECT_EQ(approve(request, url, true, {"10.0.0.1", "::1"}).value().size(), 2u);
}

TEST(HttpGuard, ARefusalSaysWhichLineWouldAllowIt) {
  HttpRequest request;
  request.asked_by = "good";
  const auto literal = approve(request, url_of("http://127.0.0.1:8080/x"), false, {"127.0.0.1"});
  EXPECT_EQ(literal.error().code(), KITH_REFUSED);
  EXPECT_EQ(literal.error().message(),
            "http://127.0.0.1:8080 is refused: 127.0.0.1, a loopback address; to allow it: "
            "[apps.good] http = [\"http://127.0.0.1:8080\"]");
  const auto name = approve(request, url_of("https://nas.local/"), false, {"192.168.1.9"});
  EXPECT_EQ(name.error().message(),
            "https://nas.local:443 is refused: nas.local is 192.168.1.9, a private address; to "
            "allow it: [apps.good] http = [\"https://nas.local:443\"]");
}

TEST(HttpUrl, IsTakenApartAsItIsDialed) {
  const auto origin = [](std::string_view text) { return url_of(text).origin(); };
  EXPECT_EQ(origin("http://Example.COM"), "http://example.com:80");
  EXPECT_EQ(origin("HTTPS://example.com/a?b#c"), "https://example.com:443");
  EXPECT_EQ(origin("http://user:secret@example.com:8080/"), "http://example.com:8080");
  EXPECT_EQ(origin("http://[::1]:9000/x"), "http://[::1]:9000");
  EXPECT_EQ(origin("http://[0:0::0:1]/"), "http://[::1]:80");
  EXPECT_EQ(origin("http://0x7f.1/"), "http://127.0.0.1:80");
  EXPECT_EQ(origin("http://2130706433/"), "http://127.0.0.1:80");
  EXPECT_EQ(origin("http://ex%61mple.com/"), "http://example.com:80");
  EXPECT_EQ(origin("http:///example.com/x"), "http://example.com:80");
  EXPECT_EQ(url_of("http://[::1]/").host(), "::1");
}

TEST(HttpUrl, WhatIsNoPlainHttpUrlIsRefused) {
  for (const char* text : {"",
                           "example.com",
                           "//example.com",
                           "ftp://example.com",
                           "file:///etc/passwd",
                           "gopher://x/",
                           "http://",
                           "http://[fe80::1%25eth0]/",
                           "http://a b/",
                           "http://a\nb/",
                           "http://example.com:0/",
                           "http://example.com:65536/",
                           "http://a,b/",
                           "http://[::1/",
                           "http://[v1.x]/",
                           "http://a%00b/",
                           "http://a%2fb/",
                           "http://*/",
                           "http://0x7%41/",
                           "http://127.0.0.1./",
                           "http://a.1/",
                           "http://1.2.3.4.5/"}) {
    const auto url = HttpUrl::from_text(curl(), text);
    EXPECT_FALSE(url) << text;
  }
  EXPECT_FALSE(HttpUrl::from_text(curl(), std::string_view("http://a.b/\0", 12)));
  EXPECT_FALSE(HttpUrl::from_text(curl(), "http://a.b/" + std::string(9000, 'x')));
}

}  // namespace
}  // namespace kith::net
