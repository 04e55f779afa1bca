// The small functions whose bodies stand in the headers, compiled once under their own names: for
// languages that can call a library but compile no C. What is new in a header is here by itself.
#define CRECHE_INLINE CRECHE_API
#include <creche/creche.h>
