# FILE has at most MAX lines.
file(READ ${FILE} text)
string(REGEX MATCHALL "\n" newlines "${text}")
list(LENGTH newlines lines)
if(lines GREATER MAX)
  message(FATAL_ERROR "${FILE}: expected at most ${MAX} lines, got ${lines}")
endif()
