// Of an older glibc: what is asked of it.
#define __GLIBC__       2
#define __GLIBC_MINOR__ 35
#define __GLIBC_PREREQ(major, minor) \
  ((__GLIBC__ << 16) + __GLIBC_MINOR__ >= ((major) << 16) + (minor))
