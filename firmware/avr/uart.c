#include "uart.h"

#include <avr/interrupt.h>
#include <avr/io.h>

#include "../core/hal.h"

#define RECEIVE_SIZE 128u /* powers of two */
#define SEND_SIZE 256u    /* a reply and its repetition and an event; the index wraps by itself */
#define DIVISOR (F_CPU / 8u / PROTOCOL_BAUD - 1u)

_Static_assert(F_CPU / 8u / (DIVISOR + 1u) == PROTOCOL_BAUD, "the baud rate cannot be met exactly");

static volatile uint8_t received[RECEIVE_SIZE];
static volatile uint8_t received_in;
static volatile uint8_t received_out;
static volatile uint16_t overruns;

static volatile uint8_t sending[SEND_SIZE];
static volatile uint8_t sending_in;
static volatile uint8_t sending_out;

void uart_start(void)
{
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UBRR0 = DIVISOR; /* last: a simulator reckons its speed when this is written */
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
}

static inline void take_byte(void)
{
    uint8_t errors = UCSR0A & (_BV(FE0) | _BV(DOR0));
    uint8_t byte = UDR0;
    uint8_t next = (uint8_t)(received_in + 1u) % RECEIVE_SIZE;
    if ((errors || next == received_out) && overruns != UINT16_MAX)
        overruns++;
    if (next != received_out) {
        received[received_in] = byte;
        received_in = next;
    }
}

ISR(USART_RX_vect)
{
    take_byte();
}

void uart_poll(void)
{
    if (UCSR0A & _BV(RXC0))
        take_byte();
}

ISR(USART_UDRE_vect)
{
    if (sending_out == sending_in)
        UCSR0B &= (uint8_t)~_BV(UDRIE0);
    else
        UDR0 = sending[sending_out++];
}

bool uart_waiting(void)
{
    return received_out != received_in;
}

bool uart_read(uint8_t *byte)
{
    if (!uart_waiting())
        return false;
    *byte = received[received_out];
    received_out = (uint8_t)(received_out + 1u) % RECEIVE_SIZE;
    return true;
}

bool hal_send(const uint8_t *wire, uint8_t size)
{
    uint8_t used = (uint8_t)(sending_in - sending_out);
    if (size > UINT8_MAX - used)
        return false;
    for (uint8_t i = 0; i < size; i++)
        sending[(uint8_t)(sending_in + i)] = wire[i];
    uint8_t state = hal_lock();
    sending_in = (uint8_t)(sending_in + size);
    UCSR0B |= _BV(UDRIE0);
    hal_unlock(state);
    return true;
}

uint16_t uart_overruns(void)
{
    uint8_t state = hal_lock();
    uint16_t count = overruns;
    hal_unlock(state);
    return count;
}
