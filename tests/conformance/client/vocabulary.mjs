/**
 * The words and numbers of the client: settings, codes, what the ends of sockets mean, known bugs.
 */

/** The settings and their defaults, in seconds. */
export const TIMINGS = Object.freeze({
  background_grace: 30,
  heartbeat_interval: 30,
  pong_timeout: 10,
  probe_timeout: 5,
  dial_timeout: 10,
  auth_timeout: 30,
  close_timeout: 5,
  backoff_base: 1,
  backoff_cap: 30,
  stable_after: 10,
  retry_after_cap: 300,
  keep_alive_interval: 25,
});

/** What the end of a dial or socket means; what is not listed is a loss. */
export const POLICY = Object.freeze({
  authStatuses: [401, 403],
  authCodes: [3000, 3003, 4401, 4403],
  terminalCodes: [[1002, 1003], [1007, 1010], [3500, 3999], [4500, 4999]],
  retryAfterStatuses: [429, 503],
});

const MISTAKEN_POLICIES = {
  policy_forgets_403: { authStatuses: [401] },
  policy_forgets_3003: { authCodes: [3000, 4401, 4403] },
  policy_ends_at_4998: { terminalCodes: [[1002, 1003], [1007, 1010], [3500, 3999], [4500, 4998]] },
  policy_takes_1011_for_final: { terminalCodes: [[1002, 1003], [1007, 1011], [3500, 3999], [4500, 4999]] },
  policy_takes_all_3xxx_for_final: { terminalCodes: [[1002, 1003], [1007, 1010], [3000, 3999], [4500, 4999]] },
  retry_after_of_any_status: { retryAfterStatuses: [429, 500, 502, 503] },
};

/**
 * Return a policy with what some bugs make of it.
 * @param {typeof POLICY} policy
 * @param {Record<string, boolean>} bugs
 */
export function mistaken(policy, bugs) {
  const changes = Object.entries(MISTAKEN_POLICIES).filter(([bug]) => bugs[bug]);
  return Object.assign({}, policy, ...changes.map(([, change]) => change));
}

/** Mistakes that real clients have made; each can be switched on by name. */
export const BUGS = Object.freeze([
  'pong_arms_window',
  'stale_watchdog',
  'old_window_kills',
  'manual_background_retry',
  'dial_not_cancelled_by_disconnect',
  'dial_not_cancelled_by_background',
  'dial_not_cancelled_by_logout',
  'two_connects_two_sockets',
  'handler_per_login',
  'connect_lost_while_closing',
  'callback_never',
  'callback_late',
  'status_stuck_connecting',
  'no_jitter',
  'count_reset_early',
  'pong_timeout_reconnects_in_background',
  'early_ping_pays',
  'capped_after_draw',
  'few_draws',
  'never_soon',
  'one_draw_per_connection',
  'retry_after_undrawn',
  'retry_after_of_any_status',
  'connect_skips_retry_after',
  'count_reset_by_connect',
  'count_reset_by_disconnect',
  'count_reset_by_network',
  'count_reset_by_foreground',
  'count_reset_by_refresh',
  'stable_too_early',
  'stable_timer_left',
  'lost_while_throttled',
  'lost_in_background',
  'message_while_closing',
  'throttled_refuses',
  'throttled_for_ever',
  'joining_connect_moves_window',
  'refused_ping_extends',
  'only_first_ping_extends',
  'background_repeated',
  'window_survives_foreground',
  'network_loss_survives_background',
  'heartbeat_in_background',
  'no_heartbeat',
  'no_probe',
  'slow_probe',
  'own_frames_prove_life',
  'deadline_while_paused',
  'deadline_never_resumed',
  'any_pong_answers',
  'ping_outlives_loss',
  'refresh_never_forgotten',
  'refresh_every_time',
  'policy_forgets_403',
  'policy_forgets_3003',
  'policy_ends_at_4998',
  'policy_takes_1011_for_final',
  'policy_takes_all_3xxx_for_final',
  'refusal_outlives_background',
  'dial_never_given_up',
  'close_never_aborted',
  'connect_dials_offline',
  'connect_returns_twice',
  'cancelled_connect_disconnects',
  'foreground_waits',
  'network_up_waits',
  'retry_survives_network_loss',
  'hold_ends_with_network',
  'login_dials_in_background',
  'restored_dials_in_background',
  'login_replaces_user',
  'save_outlives_login',
  'logout_keeps_user',
  'shut_down_clears_user',
  'status_told_again',
]);

const MESSAGES = {
  ERR_NOT_LOGGED_IN: 'Nobody is logged in.',
  ERR_LOGIN_IN_PROGRESS: 'Another login is still running.',
  ERR_ALREADY_LOGGED_IN: 'Somebody else is logged in.',
  ERR_AUTHENTICATION_FAILED: 'The user could not be authenticated.',
  ERR_SESSION_NOT_SAVED: 'The user could not be saved.',
  ERR_SESSION_NOT_CLEARED: 'The user is logged out, but is still saved.',
  ERR_APP_IN_BACKGROUND: 'There is no connection in background.',
  ERR_DISCONNECTED: 'The connection was ended by disconnect.',
  ERR_LOGGED_OUT: 'The user was logged out.',
  ERR_CONNECTION_LOST: 'The connection was lost.',
  ERR_CONNECTION_REFUSED: 'The server refuses the connection for good.',
  ERR_PING_TIMEOUT: 'The pong did not come in time.',
  ERR_CLOSED: 'The client has been shut down.',
  NO_WEBSOCKET_CONNECTION: 'There is no open socket.',
  NO_INTERNET_CONNECTION: 'There is no network.',
};

/** A failure or refusal with its `code`, `message` and `details`. */
export class ClientError extends Error {
  /**
   * @param {string} code One of the rulebook's codes.
   * @param {string} [details] What is known beyond the code.
   */
  constructor(code, details = '') {
    super(MESSAGES[code]);
    this.name = 'ClientError';
    this.code = code;
    this.details = details;
  }
}
