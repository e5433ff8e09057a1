# page.cmake: writes OUT, a C file with the bytes of IN (cmake -DIN=page.html -DOUT=page.c -P page.cmake).
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," body "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" body "${body}")
file(WRITE ${OUT} "#include \"gateway/admin/page.h\"\n\nconst char PAGE_HTML[] = {\n${body}0};\nconst size_t PAGE_HTML_LEN = ${bytes};\n")
