#ifndef LAW_H
#define LAW_H

#include <stdio.h>
#include <stdlib.h>

/* What must hold whatever the host says. */
#define LAW(holds, sentence)                                                                                                     \
    do {                                                                                                                         \
        if (!(holds)) {                                                                                                          \
            fprintf(stderr, "broken law: %s (%s:%d)\n", sentence, __FILE__, __LINE__);                                           \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

#endif
