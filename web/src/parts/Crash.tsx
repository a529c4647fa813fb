import { Component, type ReactNode } from "react";
import { ErrorState } from "./states";

/** Keeps a fault in one page from taking the whole portal down. Give it a key that changes with the page. */
export class Crash extends Component<{ children: ReactNode }, { error?: unknown }> {
  state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  render() {
    if (this.state.error === undefined) return this.props.children;
    return <ErrorState error={this.state.error} retry={() => this.setState({ error: undefined })} />;
  }
}
