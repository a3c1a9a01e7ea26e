#include "engine/importers/import.hpp"

#include <limits>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/importers/graph/graph.hpp"
#include "engine/importers/graph/model.hpp"
#include "engine/importers/trees/trees.hpp"
#include "engine/network/text.hpp"

namespace crible::importers {

namespace {

/// The file to be imported.
struct File {
  std::string bytes;
  std::filesystem::path path;

  std::string source() const { return path.string(); }
  std::string stem() const { return path.stem().string(); }
};

/// One format. The first that recognises the file reads it.
struct Reader {
  bool (*recognises)(const File& file);
  ImportResult (*read)(const File& file, const ImportOptions& options);
};

const Reader readers[] = {
    {[](const File& file) { return trees::is_tree_file(file.bytes); },
     [](const File& file, const ImportOptions& options) {
       return trees::import_trees(file.bytes, file.source(), options);
     }},
    {[](const File& file) { return graph::is_onnx(file.bytes); },
     [](const File& file, const ImportOptions& options) {
       return graph::import_onnx(file.bytes, file.source(), file.stem(), options);
     }},
};

}  // namespace

ImportResult import_model(const std::filesystem::path& path, const ImportOptions& options) {
  const File file{read_file(path), path};
  if (file.bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw Error(path.string() + ": larger than 2 GiB; no trigger network is");
  for (const Reader& reader : readers) {
    if (reader.recognises(file)) return reader.read(file, options);
  }
  throw Error(
      path.string() +
      ": not a model that crible knows (QONNX, ONNX, XGBoost JSON, LightGBM text, conifer JSON), or a "
      "damaged one; export it again");
}

network::Network load_network(const std::filesystem::path& path) {
  return path.extension() == ".crn" ? network::load(path) : import_model(path).network;
}

}  // namespace crible::importers
