/* Which pin does what; see WIRING.md. PD0 and PD1 are the serial line. */
#ifndef PINS_H
#define PINS_H

#include <avr/io.h>

/* Lights 0 to 3 on PD4 to PD7, lights 4 to 7 on PC0 to PC3; high is on. */
#define LIGHTS_D_MASK 0xF0u
#define LIGHTS_C_MASK 0x0Fu

#define TRIGGER_PIN PB1 /* high is on */
#define BUZZER_PIN PB3  /* OC2A */
#define STATUS_PIN PB5  /* the LED of an Arduino Uno */
#define GREEN_PIN PB2   /* of the two-coloured indicator; high is on */
#define RED_PIN PB4

/* Inputs with pull-ups; low is pressed, low is a card. */
#define BUTTON_0_PIN PC4
#define BUTTON_1_PIN PC5
#define CARD_PIN PB0

#endif
