import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Sees to it that a process ends when we do, however we end: a shell waits on a pipe that only we hold open, and
 * stops the process when the pipe closes. Returns what calls it off.
 */
export function endWithUs(pid: number): () => void {
  const watchdog: ChildProcess = spawn(
    '/bin/sh',
    ['-c', 'trap "" INT HUP TERM; read -r _; kill -TERM "$1" 2>/dev/null', 'airlock-watchdog', `${pid}`],
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  watchdog.on('error', () => undefined);
  watchdog.stdin?.on('error', () => undefined);
  watchdog.unref();
  return () => {
    watchdog.kill('SIGKILL');
  };
}
