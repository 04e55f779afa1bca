/* creche/channel.h: channels: bounded queues of 64-bit items between tasks and threads. What an item
 * means is yours: a number, a pointer, a handle. The two sides have handles of their own, which can be
 * cloned; the channel ends with the last handle of a side. First come, first served, on both sides. */
#ifndef CRECHE_CHANNEL_H
#define CRECHE_CHANNEL_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct creche_channel_options {
    uint32_t size;     /* set by _init */
    uint32_t flags;    /* 0 */
    uint32_t capacity; /* items that wait for a receiver; 0, the default: each send meets a receive */
    uint32_t reserved;
    void (*item_free)(void *user, uint64_t item); /* called once for each item that was accepted and
                                    that nobody will take, on any thread; may be NULL */
    void *item_user;                /* for item_free */
    const char *name;               /* for dumps; copied; may be NULL */
} creche_channel_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_channel_options_init(creche_channel_options *options, size_t size);

/* Opens a channel on a loop. *sender and *receiver are yours to release; they end with their loop.
 * Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED, CRECHE_E_CLOSED (the loop is closing),
 * CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_channel_open(creche_loop loop, const creche_channel_options *options,
                                             creche_sender *sender, creche_receiver *receiver);

/* Sends an item: completes once a receiver has it or it is in the channel. Cancelled before that, it is
 * not sent. If the call fails the item stays yours; with CRECHE_OK it is the channel's, and goes
 * either to one receiver or to item_free (also if this fails or is cancelled).
 * The completion fails with CRECHE_E_CLOSED if the last receiver, or this sender, is released
 * meanwhile.
 * Returns as creche_sleep does; CRECHE_E_CLOSED also if nobody receives any more. Since 0.1. */
CRECHE_API creche_status creche_channel_send(creche_sender sender, creche_scope in, uint64_t item,
                                             const creche_task_options *options, creche_done_fn done,
                                             void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Sends an item now, or not at all (then it stays yours). Returns CRECHE_OK; CRECHE_E_LIMIT (the channel
 * is full; with capacity 0: nobody waits for an item); CRECHE_E_CLOSED (nobody receives any more);
 * CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_channel_try_send(creche_sender sender, uint64_t item)
                                                 CRECHE_MUST_CHECK;

/* Receives an item: the completion's value. Kind CRECHE_END, with CRECHE_OK, says that the last sender
 * was released and all items were taken. Cancelled before an item came, it takes none; an item that
 * came is its own, and no cancellation changes that (creche_channel_unreceive gives it back). If
 * nobody takes the completion (creche_nobody, a released queue) item_free gets the item. Fails with
 * CRECHE_E_CLOSED if this receiver is released meanwhile. Returns as creche_sleep does. Since 0.1. */
CRECHE_API creche_status creche_channel_receive(creche_receiver receiver, creche_scope in,
                                                const creche_task_options *options,
                                                creche_done_fn done, void *user, creche_task *task)
                                                CRECHE_MUST_CHECK;

/* Receives an item now, or none: *item, 0 on failure. Returns CRECHE_OK; CRECHE_E_LIMIT (there is none
 * now); CRECHE_E_CLOSED (there will be none any more); CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_channel_try_receive(creche_receiver receiver, uint64_t *item)
                                                    CRECHE_MUST_CHECK;

/* Puts an item in front of all others of its channel, as if it had never been received: whoever is told
 * of an item next is told of this one. For what you have received and cannot use after all; several
 * keep their order if the last is put back first. It finds a place in any case, past the capacity if
 * need be, and after the last sender was released, too (who was told of the end knows nothing of it).
 * With CRECHE_OK the item is the channel's, as after a send. Returns CRECHE_OK; CRECHE_E_NO_MEMORY, the
 * handle errors (CRECHE_E_ENDED: this receiver was released; another of the channel's does as well):
 * then the item stays yours. Since 0.1. */
CRECHE_API creche_status creche_channel_put_back(creche_receiver receiver, uint64_t item)
                                                 CRECHE_MUST_CHECK;

/* Cancels a receive even if its item, or the end, has come, as long as nobody was told: until its
 * callback begins or its completion is drained. Then it has never been: the receives after it, whose
 * completions nobody has seen either, have the items before theirs, and the last of these items goes to
 * the next who waits, or back in front of the channel. So the order stays, whichever of them go. (After
 * the last receiver was released item_free gets it.) For futures that are dropped, in any language.
 *
 * With CRECHE_OK it has no item: it completes with CRECHE_E_CANCELLED (reason explicit, by itself),
 * unless it had failed, or was cancelled, before. For its group it has ended well if its item had come:
 * in a race it has won all the same.
 * Returns CRECHE_OK; CRECHE_E_ENDED: too late, what its completion says is so (also where
 * creche_to_group or creche_nobody took the item when it came), or it was called before; CRECHE_E_STATE
 * (no receive), CRECHE_E_NO_MEMORY (nothing changes), the handle errors. Since 0.1. */
CRECHE_API creche_status creche_channel_unreceive(creche_task task) CRECHE_MUST_CHECK;

/* Another handle of the same side of the same channel, yours to release.
 * Return CRECHE_OK, CRECHE_E_INVALID, CRECHE_E_NO_MEMORY or the handle errors. Since 0.1. */
CRECHE_API creche_status creche_sender_clone(creche_sender sender, creche_sender *clone);
CRECHE_API creche_status creche_receiver_clone(creche_receiver receiver, creche_receiver *clone);

typedef struct creche_channel_state {
    uint32_t size;      /* bytes stored */
    uint32_t flags;     /* 0 */
    uint32_t items;     /* in the channel; more than capacity after some were put back */
    uint32_t capacity;
    uint32_t senders;   /* handles */
    uint32_t receivers; /* handles */
    uint32_t sending;   /* tasks that wait for a place or a receiver */
    uint32_t receiving; /* tasks that wait for an item */
} creche_channel_state;

/* Store the first `size` bytes of the channel's state as it is now (pass sizeof).
 * Return CRECHE_OK, CRECHE_E_INVALID or the handle errors. Since 0.1. */
CRECHE_API creche_status creche_sender_get_state(creche_sender sender, creche_channel_state *state,
                                                 size_t size);
CRECHE_API creche_status creche_receiver_get_state(creche_receiver receiver,
                                                   creche_channel_state *state, size_t size);

/* Releases a handle of the sending side: sends through it that wait fail with CRECHE_E_CLOSED. After the
 * last one receivers get what is in the channel, then CRECHE_END. Since 0.1. */
CRECHE_API void creche_sender_release(creche_sender sender);

/* Releases a handle of the receiving side: receives through it that wait fail with CRECHE_E_CLOSED. After
 * the last one sends fail with CRECHE_E_CLOSED, and item_free gets what is in the channel.
 * Since 0.1. */
CRECHE_API void creche_receiver_release(creche_receiver receiver);

#ifdef __cplusplus
}
#endif
#endif
