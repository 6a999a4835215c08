# Writes OUT, a source with the bytes of FILES (a list, relative to DIR) behind
# domain/data/shipped.h.
set(TEXT "#include \"domain/data/shipped.h\"\n\nnamespace fiscal::domain {\n\n")
string(APPEND TEXT "absl::string_view ShippedFile(absl::string_view name) {\n")
string(REPLACE " " ";" FILES "${FILES}")
foreach(FILE ${FILES})
  file(READ ${DIR}/${FILE} BYTES)
  string(REGEX REPLACE "^data/" "" NAME ${FILE})
  string(APPEND TEXT "  if (name == \"${NAME}\") return R\"fiscal(${BYTES})fiscal\";\n")
endforeach()
string(APPEND TEXT "  return absl::string_view();\n}\n\n}  // namespace fiscal::domain\n")
file(WRITE ${OUT} "${TEXT}")
