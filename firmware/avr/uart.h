/* The serial line: interrupts on one side, rings on the other. */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_start(void);

/* False: nothing has come. */
bool uart_read(uint8_t *byte);

/* Take a byte from the receiver, which holds two, where its interrupt is kept out for long. Less than 4 us. */
void uart_poll(void);

/* Whether uart_read would find a byte. */
bool uart_waiting(void);

/* Bytes lost because nobody fetched them, or with a broken stop bit. */
uint16_t uart_overruns(void);

#endif
