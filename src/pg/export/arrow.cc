#include "pg/export/arrow.h"

#include <memory>
#include <string>
#include <vector>

#include "core/utf8.h"
#include "pg/export/arrow_column.h"

namespace creche::pg {

namespace {

// What stands behind a schema or an array, of which it is the private data. Each child has its own:
// who takes them may move it out.
struct SchemaData {
  std::string format, name;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};
struct ArrayData {
  std::vector<std::vector<char>> memory;
  std::vector<const void*> buffers;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
};

template <class Node, class Data>
void ReleaseNode(Node* node) {
  auto* data = static_cast<Data*>(node->private_data);
  for (Node& child : data->children)
    if (child.release) child.release(&child);
  delete data;
  node->release = nullptr;
}

void Fill(ArrowSchema* schema, std::unique_ptr<SchemaData> data, int64_t flags) {
  for (ArrowSchema& child : data->children) data->pointers.push_back(&child);
  *schema = {.format = data->format.c_str(),
             .name = data->name.c_str(),
             .metadata = nullptr,
             .flags = flags,
             .n_children = static_cast<int64_t>(data->children.size()),
             .children = data->pointers.data(),
             .dictionary = nullptr,
             .release = ReleaseNode<ArrowSchema, SchemaData>,
             .private_data = data.get()};
  (void)data.release();
}

void Fill(ArrowArray* array, std::unique_ptr<ArrayData> data, uint64_t length, int64_t nulls) {
  // Of nothing there is no address; the bitmap of what is no NULL may lack altogether.
  for (const auto& memory : data->memory)
    data->buffers.push_back(memory.empty() ? nullptr : memory.data());
  for (ArrowArray& child : data->children) data->pointers.push_back(&child);
  *array = {.length = static_cast<int64_t>(length),
            .null_count = nulls,
            .offset = 0,
            .n_buffers = static_cast<int64_t>(data->buffers.size()),
            .n_children = static_cast<int64_t>(data->children.size()),
            .buffers = data->buffers.data(),
            .children = data->pointers.data(),
            .dictionary = nullptr,
            .release = ReleaseNode<ArrowArray, ArrayData>,
            .private_data = data.get()};
  (void)data.release();
}

// Ends children that were made before there was no memory for the next.
template <class Data>
struct EndChildren {
  void operator()(Data* data) const {
    for (auto& child : data->children)
      if (child.release) child.release(&child);
    delete data;
  }
};

}  // namespace

ArrowRefusal MakeArrow(const RowView& rows, const ArrowOptions& options, ArrowSchema* schema,
                       ArrowArray* array) {
  std::unique_ptr<SchemaData, EndChildren<SchemaData>> all_schema(new SchemaData);
  std::unique_ptr<ArrayData, EndChildren<ArrayData>> all_array(new ArrayData);
  all_schema->format = "+s";
  all_schema->children.resize(rows.columns());
  all_schema->pointers.reserve(rows.columns());
  all_array->children.resize(rows.columns());
  all_array->pointers.reserve(rows.columns());
  all_array->memory.resize(1);
  all_array->buffers.reserve(1);
  for (uint32_t c = 0; c < rows.columns(); c++) {
    ArrowColumn column(rows, c, options);
    for (uint64_t row = 0; row < rows.rows(); row++)
      if (const char* why = column.Add(row)) return {row, c, why};
    column.Finish();
    auto its_schema = std::make_unique<SchemaData>();
    its_schema->format = column.format();
    if (const char* name = rows.ColumnName(c)) its_schema->name = name;
    MakeUtf8(&its_schema->name);
    Fill(&all_schema->children[c], std::move(its_schema), ArrowSchema::kNullable);
    auto its_array = std::make_unique<ArrayData>();
    its_array->memory = std::move(column.buffers());
    its_array->buffers.reserve(its_array->memory.size());
    Fill(&all_array->children[c], std::move(its_array), rows.rows(), column.nulls());
  }
  Fill(schema, std::unique_ptr<SchemaData>(all_schema.release()), 0);
  Fill(array, std::unique_ptr<ArrayData>(all_array.release()), rows.rows(), 0);
  return {};
}

}  // namespace creche::pg
