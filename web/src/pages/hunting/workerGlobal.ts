// The language service was written for Node's name of the global object.
(self as unknown as { global: unknown }).global = self;
