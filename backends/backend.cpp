#include "backends/backend.hpp"

namespace crible::backends {

const char* sentence(Status status) {
  switch (status) {
    case Status::ok:
      return "The batch is done.";
    case Status::pending:
      return "The batch is not finished; poll again.";
    case Status::bad_batch:
      return "The batch has no event, more events than the program was compiled for, or no such slot.";
    case Status::busy:
      return "The slot is in flight; poll it until it is done before it is used again.";
    case Status::device_failed:
      return "The device reported an error; the program is unusable and its batches must run elsewhere.";
    case Status::deadline_passed:
      return "The device did not answer in time; the program is unusable and its batches must run elsewhere.";
  }
  return "Unknown status.";
}

}  // namespace crible::backends
