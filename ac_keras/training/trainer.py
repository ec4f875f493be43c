"""The training loop over steps and epochs, which resumes exactly."""

import math
import pathlib
from collections.abc import Callable
from collections.abc import Sequence

import keras
import tensorflow as tf

from ac_keras.training.best_epoch import BestEpoch
from ac_keras.training.checkpoints import RunSaver
from ac_keras.training.checkpoints import RunState
from ac_keras.training.distribution import is_chief
from ac_keras.training.distribution import num_hosts
from ac_keras.training.evaluator import EvaluationData
from ac_keras.training.evaluator import Evaluator
from ac_keras.training.training_log import TrainingLog
from ac_keras.training.update_step import UpdateStep
from ac_keras.utils.processes import StopSignal

BEST_WEIGHTS = "best.weights.h5"
CHECKPOINTS = "checkpoints"
TrainingData = Callable[[int, int, tuple[int, int]], tf.data.Dataset]


class RunStopped(Exception):
    """Raised when a signal stopped the run, after a checkpoint was saved."""


class NonFiniteLossError(ArithmeticError):
    """Raised when the loss is NaN or infinite.

    Attributes:
        epoch: Index of the epoch, from 0.
        step: Index of the batch in the epoch, from 0; None for the loss of
            the validation split.
    """

    def __init__(self, epoch: int, step: int | None):
        place = "validation" if step is None else f"step {step}"
        super().__init__(
            f"Expected a finite loss. Received: NaN or infinity at {place} of "
            f"epoch {epoch + 1}."
        )
        self.epoch, self.step = epoch, step


class Trainer:
    """Trains a model with any strategy, on one host or several.

    The same seed gives the same weights, whether or not the run was
    interrupted: a checkpoint holds all variables and the position in the
    data, from which the reader resumes.

    Create it under the strategy's scope.

    Args:
        model: Model to train.
        update_step: Training step of the model.
        evaluator: Evaluator of `best_model`.
        best_model: Model whose weights of the best epoch are kept: the
            moving average, or `model` itself by default.
        metrics: Keras metrics of the labels and probabilities of training
            batches, whose state is a sum over clips.
        batch_size: Number of clips in a step, over all replicas and hosts.
        steps_per_epoch: Number of steps in an epoch.
        epochs: Number of epochs of the whole run.
        steps_per_execution: Number of steps between two checks of the loss,
            the clock and the signals.
        directory: Folder of the run; it must exist.
        best: Rule that chooses the best epoch.
        checkpoint_seconds: Longest pause between two checkpoints, in seconds.
            A checkpoint is also written after each epoch, unless it would
            take more than a sixtieth of the time since the previous one.
    """

    def __init__(
        self,
        model: keras.Model,
        update_step: UpdateStep,
        evaluator: Evaluator | None,
        *,
        best_model: keras.Model | None = None,
        metrics: Sequence[keras.metrics.Metric] = (),
        batch_size: int,
        steps_per_epoch: int,
        epochs: int,
        steps_per_execution: int = 1,
        directory: pathlib.Path,
        best: BestEpoch,
        checkpoint_seconds: float = 600.0,
    ):
        self.model = model
        self.best = best
        self.batch_size = batch_size
        self.steps_per_epoch = steps_per_epoch
        self.epochs = epochs
        self.steps_per_execution = steps_per_execution
        self.directory = directory
        self._strategy = tf.distribute.get_strategy()
        self.is_chief = is_chief(self._strategy)
        self.num_hosts = num_hosts(self._strategy)
        self._update = update_step
        self._evaluator = evaluator
        self.best_model = best_model or model
        self._metrics = [keras.metrics.Mean(name="loss"), *metrics]
        variables = [x.value for x in model.variables]
        variables += update_step.variables
        variables += [x.value for m in self._metrics for x in m.variables]
        folder = CHECKPOINTS
        if not self.is_chief:  # All hosts must save; only the chief's is read.
            task = self._strategy.cluster_resolver.task_id
            folder = f".{CHECKPOINTS}-{task}"
        self.state = RunState(directory / folder, variables)
        self._saver = RunSaver(
            self.state,
            self.best_model,
            directory / BEST_WEIGHTS,
            checkpoint_seconds,
        )
        self._execute = tf.function(self._run_steps)
        self._sum = tf.function(self._sum_over_hosts)

    def fit(
        self,
        training_data: TrainingData,
        validation_data: EvaluationData | None,
        log: TrainingLog | None,
        signals: StopSignal,
    ) -> list[dict]:
        """Trains to the last epoch, or until patience runs out.

        Args:
            training_data: Function from an epoch, a step and a shard
                `(index, count)` to endless batches that start there, as
                `training_batches` takes them.
            validation_data: Function to the validation batches, as
                `Evaluator.evaluate` takes it; None if there is no
                validation split.
            log: Receiver of the progress; None on hosts other than the chief.
            signals: Signals that stop the run.

        Returns:
            The metrics of every epoch.

        Raises:
            RunStopped: If a signal was received. A checkpoint was written.
            NonFiniteLossError: If a loss is not finite. The last checkpoint
                is of an earlier step.
        """
        self.state.restore(self.directory / CHECKPOINTS)
        self._log, self._signals = log, signals
        if log:
            log.epoch(self.state.history, new=False)
        if self._is_done():
            return self.state.history
        first_epoch, first_step = self.state.epoch, self.state.step
        # It was stopped during evaluation, or records have been skipped since.
        if first_step >= self.steps_per_epoch:
            first_epoch, first_step = first_epoch + 1, 0

        def read(context):
            count = context.num_input_pipelines
            shard = context.input_pipeline_id, count
            batches = training_data(first_epoch, first_step, shard)
            size = context.get_per_replica_batch_size(self.batch_size)
            if size * count == self.batch_size:
                return batches
            return batches.rebatch(size)

        batches = iter(self._strategy.distribute_datasets_from_function(read))
        self._saver.begin()
        while not self._is_done():
            self._train_epoch(batches)
            self._end_epoch(validation_data)
        return self.state.history

    def wait_for_hosts(self) -> None:
        """Waits for all hosts and removes the checkpoints of the others."""
        if self.num_hosts > 1:
            self._sum(tf.zeros(1)).numpy()
        if not self.is_chief:
            self.state.remove()

    def _is_done(self):
        state = self.state
        return state.epoch >= self.epochs or self.best.should_stop(
            state.history
        )

    def _train_epoch(self, batches):
        state = self.state
        if self._log:
            self._log.begin_epoch(state.epoch, state.step, self.steps_per_epoch)
        while state.step < self.steps_per_epoch:
            left = self.steps_per_epoch - state.step
            count = min(self.steps_per_execution, left)
            losses = self._execute(batches, tf.constant(count)).numpy()
            for offset, loss in enumerate(losses):
                if not math.isfinite(loss):
                    step = state.step + offset
                    raise NonFiniteLossError(state.epoch, step)
            state.step += count
            if self._log:
                total = state.epoch * self.steps_per_epoch + state.step
                self._log.step(state.step, total, {"loss": float(losses[-1])})
            self._save_if_due()

    def _end_epoch(self, validation_data):
        state = self.state
        row = {"epoch": state.epoch}
        row |= {m.name: float(m.result()) for m in self._metrics}
        rate = self._update.optimizer.learning_rate
        row["learning_rate"] = float(keras.ops.convert_to_numpy(rate))
        if self._log:
            row |= self._log.times(state.step)
        if validation_data is not None:
            measured = self._evaluator.evaluate(
                validation_data, self.batch_size, self._stop_if_asked
            )
            if not math.isfinite(measured["loss"]):
                raise NonFiniteLossError(state.epoch, None)
            row |= {f"val_{name}": x for name, x in measured.items()}
        state.history.append(row)
        if self._log:
            self._log.epoch(state.history)
        for metric in self._metrics:
            metric.reset_state()
        best = self.is_chief and self.best.is_last_best(state.history)
        state.epoch, state.step = state.epoch + 1, 0
        # Several hosts must save together, so they do not consult clocks.
        must = self._is_done() or self.num_hosts > 1
        saved = must or self._saver.is_due_after_epoch()
        if saved:
            self._saver.save(best)
        elif best:
            self._saver.hold()
        if self.num_hosts == 1 and self._signals.received:
            if not saved:
                self._saver.save()
            self._raise_stopped()  # There may be no further step.

    def _save_if_due(self):
        stop = float(self._signals.received is not None)
        due = self._saver.is_due()
        flags = tf.constant([stop, float(due and self.is_chief)])
        if self.num_hosts > 1:
            flags = self._sum(flags)
        stop, due = (x > 0 for x in flags.numpy())
        if stop or due:
            self._saver.save()
        if stop:
            self._raise_stopped()

    def _stop_if_asked(self):
        """Stops a run on one host between two batches of an evaluation."""
        if self.num_hosts == 1 and self._signals.received:
            self._saver.save()
            self._raise_stopped()

    def _raise_stopped(self):
        state = self.state
        place = f"epoch {state.epoch}"
        if state.step:
            place = f"step {state.step} of epoch {state.epoch + 1}"
        raise RunStopped(
            f"Stopped by {self._signals.received or 'another host'} after "
            f"{place}, which is saved. The same command resumes from there."
        )

    def _run_steps(self, batches, count):
        losses = tf.TensorArray(tf.float32, size=count, element_shape=[])
        for index in tf.range(count):
            loss = self._strategy.run(self._replica_step, (next(batches),))
            loss = self._strategy.experimental_local_results(loss)[0]
            losses = losses.write(index, loss)
        return losses.stack()

    def _replica_step(self, batch):
        features, labels = batch
        loss, probabilities = self._update(features, labels, self.batch_size)
        self._metrics[0].update_state(loss)
        for metric in self._metrics[1:]:
            metric.update_state(labels, probabilities)
        return loss

    def _sum_over_hosts(self, flags):
        def add(flags):
            replica = tf.distribute.get_replica_context()
            local = tf.identity(flags)  # on the replica's device
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, local)

        total = self._strategy.run(add, (flags,))
        return self._strategy.experimental_local_results(total)[0]
