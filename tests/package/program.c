/* The smallest program that asks for something of a certain glibc: `bootstrap` for the tests of `pgvigil package`. */
#include <stdlib.h>

int main(void) {
#ifdef NEWER
    return (int)(arc4random() & 1); /* came with glibc 2.36 */
#else
    return getenv("AWS_LAMBDA_RUNTIME_API") == NULL;
#endif
}
