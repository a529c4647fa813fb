// Functions of DuckDB's C API that allocate from its bounded memory without
// catching what that throws when there is none left. Called from Go the
// exception would end the process, so it is caught here: 0 means that it went
// well.

#include <cstdint>

extern "C" {
void duckdb_vector_assign_string_element_len(void *vector, uint64_t row, const char *text, uint64_t size);
int duckdb_list_vector_reserve(void *vector, uint64_t size);
int duckdb_list_vector_set_size(void *vector, uint64_t size);

int tocsinAssignString(void *vector, uint64_t row, const char *text, uint64_t size) {
	try {
		duckdb_vector_assign_string_element_len(vector, row, text, size);
		return 0;
	} catch (...) {
		return 1;
	}
}

int tocsinResizeList(void *vector, uint64_t size) {
	try {
		return duckdb_list_vector_reserve(vector, size) || duckdb_list_vector_set_size(vector, size);
	} catch (...) {
		return 1;
	}
}
}
