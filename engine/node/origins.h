// SPDX-License-Identifier: MIT
// The origins that an operator's config lets an app ask over HTTP, although they are private:
// [apps.NAME] http = ["http://127.0.0.1:8080"]. Pure.
#pragma once
#include <kith/result.h>

#include <string>
#include <vector>

#include "engine/wire/value.h"

namespace kith::node {

// SCHEME://HOST[:PORT] in lower case, without a slash at its end; KITH_BAD with a sentence.
Result<std::string> judge_origin(std::string_view text);
// Of an app's own table: its `http`, a list of them. None where it has none.
Result<std::vector<std::string>> http_origins(const wire::Value& config);

}  // namespace kith::node
