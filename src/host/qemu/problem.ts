/** Why something about other kernels cannot be done here, for the user: names what is missing and what helps. */
export class KernelProblem extends Error {}
