/** A thread of `pinfold gup-test -j`: runs the ioctl on the machine that it is sent, and tells what it measured. */
import { parentPort, workerData } from 'node:worker_threads';
import { runThread, type ThreadJob } from './gup-test-machine.ts';

const port = parentPort;
if (port === null) throw new Error('gup-test-worker.ts is no program of its own');
port.postMessage(runThread(workerData as ThreadJob));
