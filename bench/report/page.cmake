# The report's page is data: its text and style are files, compiled into the library as two strings.
set(page_folder ${CMAKE_CURRENT_SOURCE_DIR}/report/page)
file(READ ${page_folder}/page.html page_html)
file(READ ${page_folder}/page.css page_css)
configure_file(${page_folder}/page_text.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/page_text.cpp @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page_folder}/page.html ${page_folder}/page.css)
target_sources(crible_bench PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/page_text.cpp)
