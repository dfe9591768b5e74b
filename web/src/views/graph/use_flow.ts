import {
  applyEdgeChanges,
  applyNodeChanges,
  type Edge,
  type EdgeChange,
  type NodeChange,
} from "@xyflow/react";
import { useCallback, useEffect, useState } from "react";
import type { GraphDocument } from "../../document/model.ts";
import type { NodeTypes } from "../../document/node_types.ts";
import { type FlowNode, flowEdges, flowNodes } from "./flow.ts";

/** Nodes and edges as drawn, with their selection; the document is the truth for all else. */
export function useFlow(document: GraphDocument, types: NodeTypes) {
  const [nodes, setNodes] = useState<FlowNode[]>(() => flowNodes(document, types, []));
  const [edges, setEdges] = useState<Edge[]>(() => flowEdges(document, types, []));
  useEffect(() => {
    setNodes((before) => flowNodes(document, types, before));
    setEdges((before) => flowEdges(document, types, before));
  }, [document, types]);
  const onNodesChange = useCallback((changes: NodeChange<FlowNode>[]) => setNodes((before) => applyNodeChanges(changes, before)), []);
  const onEdgesChange = useCallback((changes: EdgeChange[]) => setEdges((before) => applyEdgeChanges(changes, before)), []);
  return { nodes, edges, setNodes, onNodesChange, onEdgesChange };
}
