#include "engine/base/free_address.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <limits>

#include "engine/base/error.hpp"

namespace crible {

namespace {

/// Binds `port`, or any for 0, and lets it go again. Returns the port; 0 when that was not possible.
std::uint16_t try_port(std::uint16_t port) {
  const int socket_id = socket(AF_INET, SOCK_STREAM, 0);
  if (socket_id < 0) return 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t bytes = sizeof address;
  const bool found = bind(socket_id, reinterpret_cast<sockaddr*>(&address), bytes) == 0 &&
                     getsockname(socket_id, reinterpret_cast<sockaddr*>(&address), &bytes) == 0;
  close(socket_id);
  return found ? ntohs(address.sin_port) : 0;
}

bool all_free(std::size_t first, std::size_t count) {
  if (first == 0 || first + count - 1 > std::numeric_limits<std::uint16_t>::max()) return false;
  for (std::size_t i = 1; i < count; ++i) {
    if (try_port(static_cast<std::uint16_t>(first + i)) == 0) return false;
  }
  return true;
}

}  // namespace

std::string free_addresses(std::size_t count) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::uint16_t first = try_port(0);
    if (all_free(first, count)) return "tcp://127.0.0.1:" + std::to_string(first);
  }
  throw Error("no " + std::to_string(count) + " free tcp ports in a row at 127.0.0.1", Fault::failure);
}

}  // namespace crible
