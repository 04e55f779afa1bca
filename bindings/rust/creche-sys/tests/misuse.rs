//! What the C interface promises about misuse: an error code and a message, never a crash.
use core::ffi::{CStr, c_void};
use core::ptr::{null, null_mut};
use creche_sys::*;
use std::sync::mpsc;

struct Loop(creche_loop);

impl Loop {
    fn open() -> Loop {
        let mut raw = creche_loop::default();
        // SAFETY: default options; raw outlives the call.
        assert_eq!(unsafe { creche_loop_open(null(), &mut raw) }, CRECHE_OK);
        assert_ne!(raw.scope.id, 0);
        Loop(raw)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // SAFETY: a loop that was opened, on a thread that is none of its own.
        unsafe {
            assert_eq!(creche_loop_close(self.0), CRECHE_OK);
            assert_eq!(creche_loop_join(self.0, 10 * CRECHE_SECOND), CRECHE_OK);
        }
    }
}

fn last() -> (creche_status, String) {
    // SAFETY: never NULL, valid until the next failing call of this thread; so is its message.
    unsafe {
        let error = &*creche_last_error();
        (error.status, CStr::from_ptr(error.message).to_str().unwrap().to_owned())
    }
}

#[track_caller]
fn refused(status: creche_status, expected: creche_status) {
    assert_eq!(status, expected);
    let (kept, message) = last();
    assert_eq!(kept, expected);
    assert!(!message.is_empty());
}

/// A scope that has been opened and left.
fn stale(on: &Loop) -> creche_scope {
    let mut scope = creche_scope::default();
    // SAFETY: good handles, pointers that outlive the calls.
    unsafe {
        assert_eq!(creche_scope_open(on.0.scope, null(), &mut scope), CRECHE_OK);
        let mut outcome = core::mem::zeroed();
        assert_eq!(creche_scope_leave(scope, &mut outcome), CRECHE_OK);
        assert_eq!(outcome.status, CRECHE_OK);
    }
    scope
}

#[test]
fn stale_forged_null_and_wrong_handles_are_errors() {
    let on = Loop::open();
    let ended = stale(&on);
    let forged = creche_scope { id: 0x1234_5678_9abc_def0 };
    let session = creche_session { id: on.0.scope.id };
    // SAFETY: bad handles are what is tested; all pointers are good or NULL.
    unsafe {
        refused(creche_scope_cancel(ended, null()), CRECHE_E_ENDED);
        refused(creche_scope_cancel(forged, null()), CRECHE_E_BAD_HANDLE);
        refused(creche_scope_cancel(creche_scope::default(), null()), CRECHE_E_BAD_HANDLE);
        refused(creche_session_close(session, None, null_mut()), CRECHE_E_BAD_HANDLE);
        refused(creche_group_close(creche_group { scope: on.0.scope }), CRECHE_E_BAD_HANDLE);
        let mut task = creche_task { scope: creche_scope { id: 7 } };
        let user = null_mut();
        let status = creche_sleep(ended, 0, null(), Some(creche_nobody), user, &mut task);
        refused(status, CRECHE_E_ENDED);
        assert_eq!(task, creche_task::default());
        creche_session_release(session);
        creche_rows_release(creche_rows::default());
        creche_value_release(0);
    }
}

#[test]
fn options_of_another_size_are_understood_or_refused() {
    #[repr(C)]
    struct Newer {
        options: creche_scope_options,
        later: u64,
    }
    let on = Loop::open();
    let mut scope = creche_scope::default();
    // SAFETY: each size is that of the memory behind the pointer.
    unsafe {
        let mut newer: Newer = core::mem::zeroed();
        let options = (&raw mut newer).cast::<creche_scope_options>();
        assert_eq!(creche_scope_options_init(options, size_of::<Newer>()), CRECHE_OK);
        assert_eq!(newer.options.size as usize, size_of::<Newer>());
        // Zero is the default of what this version does not know.
        assert_eq!(creche_scope_open(on.0.scope, &newer.options, &mut scope), CRECHE_OK);
        assert_eq!(creche_scope_leave(scope, null_mut()), CRECHE_OK);
        (*options.cast::<Newer>()).later = 1;
        refused(creche_scope_open(on.0.scope, options, &mut scope), CRECHE_E_UNSUPPORTED);
        assert_eq!(scope, creche_scope::default());

        (*options).size = 3;
        refused(creche_scope_open(on.0.scope, options, &mut scope), CRECHE_E_INVALID);
        refused(creche_scope_options_init(options, 3), CRECHE_E_INVALID);
        refused(creche_scope_options_init(null_mut(), 64), CRECHE_E_INVALID);

        let mut options: creche_scope_options = core::mem::zeroed();
        assert_eq!(
            creche_scope_options_init(&mut options, size_of::<creche_scope_options>()),
            CRECHE_OK
        );
        options.flags = 1 << 31;
        refused(creche_scope_open(on.0.scope, &options, &mut scope), CRECHE_E_UNSUPPORTED);
    }
}

#[test]
fn null_is_refused_where_something_is_needed() {
    let on = Loop::open();
    // SAFETY: NULL is what is tested.
    unsafe {
        refused(creche_loop_open(null(), null_mut()), CRECHE_E_INVALID);
        refused(creche_now(on.0.scope, null_mut()), CRECHE_E_INVALID);
        refused(creche_loop_post(on.0, None, null_mut()), CRECHE_E_INVALID);
        let (scope, user) = (on.0.scope, null_mut());
        let status = creche_task_spawn(scope, None, user, null(), None, user, null_mut());
        refused(status, CRECHE_E_INVALID);
        assert!(creche_error_keep(null()).is_null());
        creche_error_release(null());
    }
}

#[test]
fn blocking_on_the_loop_would_deadlock() {
    struct Job {
        on: creche_loop,
        answers: mpsc::Sender<(creche_group, [creche_status; 4])>,
    }
    unsafe extern "C" fn posted(user: *mut c_void, completion: *const creche_completion) {
        // SAFETY: user is the Box<Job> of the post, which comes exactly once; the completion lives
        // until we return.
        let (job, completion) = unsafe { (Box::from_raw(user.cast::<Job>()), &*completion) };
        assert_eq!(completion.kind, CRECHE_POST);
        // SAFETY: good handles; blocking ones are refused here, which is what is tested.
        let answers = unsafe {
            let mut options = core::mem::zeroed::<creche_group_options>();
            creche_group_options_init(&mut options, size_of::<creche_group_options>());
            options.flags = CRECHE_GROUP_JOINABLE;
            let mut group = creche_group::default();
            let scope = job.on.scope;
            creche_group_open(scope, &options, Some(creche_nobody), null_mut(), &mut group);
            let mut queue = creche_queue::default();
            assert_eq!(creche_queue_open(job.on, null(), &mut queue), CRECHE_OK);
            let (mut one, mut n) = (core::mem::zeroed(), 0);
            let waited = creche_queue_wait(queue, &mut one, 1, 0, &mut n);
            creche_queue_release(queue);
            let answers = [
                waited,
                creche_loop_join(job.on, 0),
                creche_group_join(group, 0, null_mut()),
                creche_loop_run(job.on),
            ];
            (group, answers)
        };
        job.answers.send(answers).unwrap();
    }
    let on = Loop::open();
    let (answers, received) = mpsc::channel();
    let job = Box::into_raw(Box::new(Job { on: on.0, answers }));
    // SAFETY: posted takes the box.
    assert_eq!(unsafe { creche_loop_post(on.0, Some(posted), job.cast()) }, CRECHE_OK);
    let (group, answers) = received.recv().unwrap();
    let mut error = core::ptr::dangling();
    // SAFETY: a good handle; here blocking is allowed.
    let joined = unsafe { creche_group_join_error(group, CRECHE_NEVER, null_mut(), &mut error) };
    assert_eq!(joined, CRECHE_OK);
    assert!(error.is_null());
    assert_eq!(answers[0], CRECHE_E_WOULD_DEADLOCK);
    assert_eq!(answers[1], CRECHE_E_WOULD_DEADLOCK);
    assert_eq!(answers[2], CRECHE_E_WOULD_DEADLOCK);
    assert_eq!(answers[3], CRECHE_E_WOULD_DEADLOCK);
}

#[test]
fn a_queue_is_drained_by_any_thread() {
    let on = Loop::open();
    // SAFETY: good handles; the completions are released once.
    unsafe {
        let mut queue = creche_queue::default();
        assert_eq!(creche_queue_open(on.0, null(), &mut queue), CRECHE_OK);
        let mut options = core::mem::zeroed::<creche_task_options>();
        creche_task_options_init(&mut options, size_of::<creche_task_options>());
        options.queue = queue;
        for tag in 1..=10usize {
            let user = tag as *mut c_void;
            let status = creche_sleep(on.0.scope, 0, &options, None, user, null_mut());
            assert_eq!(status, CRECHE_OK);
        }
        let mut seen = Vec::new();
        let mut done = core::mem::zeroed::<[creche_completion; 4]>();
        while seen.len() < 10 {
            let mut n = 0;
            let status = creche_queue_wait(queue, done.as_mut_ptr(), 4, 10 * CRECHE_SECOND, &mut n);
            assert_eq!(status, CRECHE_OK);
            seen.extend(done[..n].iter().map(|c| c.user as usize));
            creche_completions_release(done.as_mut_ptr(), n);
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=10).collect::<Vec<_>>());
        creche_queue_release(queue);
    }
}
