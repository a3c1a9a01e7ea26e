#include "engine/base/error.hpp"

namespace crible {

Error::Error(const std::string& sentence, Fault fault, std::string log)
    : std::runtime_error(sentence), fault_(fault), log_(std::move(log)) {}

}  // namespace crible
