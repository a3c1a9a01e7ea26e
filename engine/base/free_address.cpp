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

/// How many ports from `first` on are free, at most `count`.
std::size_t free_from(std::size_t first, std::size_t count) {
  if (first == 0 || first + count - 1 > std::numeric_limits<std::uint16_t>::max()) return 0;
  std::size_t found = 0;
  while (found < count && try_port(static_cast<std::uint16_t>(first + found)) != 0) ++found;
  return found;
}

std::string address_of(std::size_t port) {
  return "tcp://127.0.0.1:" + std::to_string(port);
}

}  // namespace

std::string free_addresses(std::size_t count) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::uint16_t first = try_port(0);
    if (free_from(first, count) == count) return address_of(first);
  }
  // So many in a row are seldom free among those that the system hands out: below these, then.
  constexpr std::size_t lowest = 10'000, handed_out = 32'768;
  for (std::size_t first = lowest; first + count <= handed_out;) {
    const std::size_t found = free_from(first, count);
    if (found == count) return address_of(first);
    first += found + 1;
  }
  throw Error("no " + std::to_string(count) + " free tcp ports in a row at 127.0.0.1", Fault::failure);
}

}  // namespace crible
