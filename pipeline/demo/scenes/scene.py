"""A scene and its frames: still background, actors from far to near, rain, fire, noise and the burnt-in text."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np

from pipeline.demo.scenes.beams import Beams
from pipeline.demo.scenes.canvas import Canvas
from pipeline.demo.scenes.lamps import Lighting
from pipeline.demo.scenes.mesh import Pose, draw
from pipeline.demo.scenes.optics import NEAR_M, Floats, Image, Pinhole
from pipeline.demo.scenes.overlay import Finish
from pipeline.demo.scenes.people import Look, depth_of, draw_person
from pipeline.demo.scenes.traffic import Actor
from pipeline.demo.scenes.vehicles import mesh, paints

FPS = 12
COARSE = 16
"""Blocks of px in which the nearest still thing is kept, to see quickly that nothing can hide an actor."""
REACH_M = {"person": 1.1, "bike": 1.6, "car": 2.9, "sedan": 2.9, "angkot": 2.9, "bajaj": 2.2, "bus": 7.0, "truck": 4.6}
"""How far from its middle an actor can reach, in m."""


class Effect(Protocol):
    """Something laid over the frame: rain, fire, smoke."""

    def step(self, frame: Image, second: float) -> None:
        """Change `frame` in place as at `second` of the programme; seconds only grow."""


@dataclass
class Scene:
    """One simulated camera's view.

    `effects` make fresh effects for each programme: they may keep state from frame to frame.
    """

    canvas: Canvas
    lighting: Lighting
    actors: list[Actor]
    title: str
    clock_s: int
    night: bool = False
    wet: bool = False
    grain: float = 3.0
    effects: list[Callable[["Scene"], Effect]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.camera: Pinhole = self.canvas.camera
        height, width = self.canvas.depth.shape
        blocks = self.canvas.depth.reshape(height // COARSE, COARSE, width // COARSE, COARSE)
        self._nearest = blocks.min(axis=(1, 3))
        self.background = self.lighting.develop(self.canvas)
        self.lighting.flares(self.background, self.canvas, self.wet)
        self.beams = Beams(self.canvas, self.wet)
        self.finish = Finish(self.title, self.clock_s, self.grain)
        self.background = self.finish.vignette(self.background)

    def frame(self, second: float, effects: list[Effect]) -> Image:
        """The frame at `second` of the programme, BGR (720, 1280, 3)."""
        frame = self.background.copy()
        placed = [(actor, pose) for actor in self.actors if (pose := actor.path(second)) is not None]
        placed.sort(key=lambda pair: -depth_of(self.camera, pair[1]))
        for actor, pose in placed:
            self._act(frame, actor, pose, second)
        for effect in effects:
            effect.step(frame, second)
        return self.finish.apply(frame, second)

    def make_effects(self) -> list[Effect]:
        """Fresh effects for one programme from its second 0 on."""
        return [make(self) for make in self.effects]

    def _act(self, frame: Image, actor: Actor, pose: Pose, second: float) -> None:
        """Draw one actor; what stands nearer in the still scene stays in front of it."""
        x, y, depth = self.camera.spot(pose.x, 0.8, pose.z)
        reach = int(self.camera.focal / max(depth, 1) * REACH_M[actor.kind]) + 2
        x0, x1 = max(0, int(x) - reach), min(frame.shape[1], int(x) + reach)
        y0, y1 = max(0, int(y) - reach), min(frame.shape[0], int(y) + reach)
        if depth < NEAR_M or x0 >= x1 or y0 >= y1:
            return
        coarse = self._nearest[y0 // COARSE : y1 // COARSE + 1, x0 // COARSE : x1 // COARSE + 1]
        front = depth - REACH_M[actor.kind] * 0.9
        before = frame[y0:y1, x0:x1].copy() if coarse.min() < front else None
        light = self._light(pose, depth)
        if actor.kind == "person":
            stride = second * 7.0 + actor.phase
            draw_person(frame, self.camera, pose, Look(actor.choice), stride, light, actor.walks)
        else:
            draw(frame, self.camera, mesh(actor.kind), pose, paints(actor.kind, actor.choice), light)
        if before is not None:
            nearer = (self.canvas.depth[y0:y1, x0:x1] < front).view(np.uint8)
            cv2.copyTo(before, nearer, frame[y0:y1, x0:x1])
        if self.night and actor.lamps and actor.kind != "person":
            self.beams.draw(frame, mesh(actor.kind), pose)

    def _light(self, pose: Pose, depth: float) -> Floats:
        """Light on an actor, dimmed by the haze in front of it."""
        fog = 1 - 2 ** (-depth / self.lighting.haze_m)
        return self.lighting.at_point(pose.x, 1.2, pose.z) * np.float32(1 - fog * 0.6)
